"""Keeps a cache current: list, watch, and list again when the watch cannot go on. Decides nothing."""

from __future__ import annotations

import asyncio
import logging
import random
import time

from controller.engine.backoff import Backoff
from controller.engine.ports import TargetError
from controller.targets.kubernetes.cache import Cache
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.errors import Refused
from controller.targets.kubernetes.inventory import POD_SELECTOR, SELECTOR
from controller.targets.kubernetes.kinds import OPTIONAL, POD, WATCHED, Kind

log = logging.getLogger(__name__)

RELIST = 600.0
"""Seconds after which everything is listed again, so that nothing a watch may have missed lasts."""
ABSENT = 60.0
"""Seconds between two looks whether an optional kind has been installed."""


class Watch:
    """One kind in one namespace, or in all."""

    def __init__(self, client: Client, kind: Kind, namespace: str | None, cache: Cache) -> None:
        self._client = client
        self.kind = kind
        self._namespace = namespace
        self._labels = POD_SELECTOR if kind == POD else SELECTOR
        self._cache = cache
        self._backoff = Backoff(first=0.5, limit=15.0)
        self.synced = asyncio.Event()
        """The cache has held everything at least once since the last trouble."""
        self.moved = time.monotonic()
        """When it last got somewhere, be it to an error."""
        self.trouble = ""
        self.restarts = 0
        """How often it had to begin anew with a list, because of an error or because it had fallen behind."""
        self._unsynced_since = self.moved
        self.absent = False
        """The cluster does not know the kind."""

    @property
    def unsynced(self) -> float:
        """Seconds since the cache has not held everything; 0 while it does."""
        return 0.0 if self.synced.is_set() else time.monotonic() - self._unsynced_since

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            try:
                await self._follow()
                failures = 0
            except TargetError as error:
                failures += 1
                self._note(error)
                absent = isinstance(error, Refused) and error.status == 404 and self.kind in OPTIONAL
                await asyncio.sleep(ABSENT if absent else self._backoff.delay(failures, random.random()))  # noqa: S311 - jitter

    def _note(self, error: TargetError) -> None:
        self.moved = time.monotonic()
        if isinstance(error, Refused) and error.status == 404 and self.kind in OPTIONAL:
            self._cache.replace(self.kind, self._namespace, (), "")
            self.absent = True
            self.synced.set()
            return
        if str(error) != self.trouble:
            log.warning("%s", error)
        self.trouble = str(error)
        self.restarts += 1
        if self.synced.is_set():
            self._unsynced_since = self.moved
        self.synced.clear()

    async def _follow(self) -> None:
        items, version = await self._client.list(self.kind, self._namespace, labels=self._labels)
        self._cache.replace(self.kind, self._namespace, items, version)
        self._settle()
        until = time.monotonic() + RELIST
        while time.monotonic() < until:
            try:
                async for event, item in self._client.watch(self.kind, self._namespace, version, labels=self._labels):
                    version = item["metadata"]["resourceVersion"]
                    self.moved = time.monotonic()
                    if event == "DELETED":
                        self._cache.drop(item)
                    elif event != "BOOKMARK":
                        self._cache.put(item)
            except Refused as error:
                if error.status == 410:
                    self.restarts += 1
                    return  # Too old: list again. https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses
                raise
            self._settle()

    def _settle(self) -> None:
        self.absent = False
        self.moved = time.monotonic()
        self.trouble = ""
        self.synced.set()


class Watches:
    """All kinds, in the namespaces that are looked after."""

    def __init__(self, client: Client, namespaces: tuple[str, ...], cache: Cache) -> None:
        scopes = namespaces or (None,)
        self.each = [Watch(client, kind, namespace, cache) for namespace in scopes for kind in WATCHED]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for watch in self.each:
                group.create_task(watch.run())

    async def synced(self) -> None:
        """Returns when the cache holds everything."""
        for watch in self.each:
            await watch.synced.wait()

    def has(self, kind: Kind) -> bool:
        return all(not watch.absent for watch in self.each if watch.kind == kind)

    @property
    def is_synced(self) -> bool:
        return all(watch.synced.is_set() for watch in self.each)

    @property
    def trouble(self) -> str:
        return next((watch.trouble for watch in self.each if watch.trouble), "")

    @property
    def unsynced(self) -> float:
        """Seconds since the cache has not held everything of some kind; 0 while it does."""
        return max(watch.unsynced for watch in self.each)

    def restarts(self) -> dict[str, int]:
        """By kind."""
        counts: dict[str, int] = {}
        for watch in self.each:
            counts[watch.kind.name] = counts.get(watch.kind.name, 0) + watch.restarts
        return counts

    @property
    def slowest(self) -> float:
        """Seconds since the watch that got nowhere for longest."""
        return time.monotonic() - min(watch.moved for watch in self.each)
