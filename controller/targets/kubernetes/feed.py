"""Where a cache gets its objects from: watches in the controller, one listing for a command. Thin."""

from __future__ import annotations

import asyncio
from typing import Protocol

from controller.engine.ports import TargetError
from controller.engine.reasons import Reason
from controller.targets.kubernetes.cache import Cache, System
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.errors import Refused
from controller.targets.kubernetes.inventory import INSTANCE, POD_SELECTOR, SELECTOR
from controller.targets.kubernetes.kinds import OPTIONAL, POD, WATCHED, Kind
from controller.targets.kubernetes.watch import Watches


class Feed(Protocol):
    cache: Cache

    async def refresh(self, system: System) -> None:
        """Sees to it that the cache holds what the cluster has of the system. Raises TargetError where it cannot."""
        ...

    def has(self, kind: Kind) -> bool:
        """Whether the cluster knows an optional kind."""
        ...


class Watched:
    """The controller's: watches keep the cache current, and nothing is decided on one that is not."""

    def __init__(self, cache: Cache, watches: Watches) -> None:
        self.cache = cache
        self._watches = watches

    async def refresh(self, system: System) -> None:
        if self._watches.trouble:
            raise TargetError(f"the cluster cannot be watched: {self._watches.trouble}", reason=Reason.UNREACHABLE)
        await self._watches.synced()

    def has(self, kind: Kind) -> bool:
        return self._watches.has(kind)


class Listed:
    """A command's: looks once, whenever it is asked to."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.cache = Cache()
        self._absent: set[Kind] = set()

    async def refresh(self, system: System) -> None:
        await asyncio.gather(*(self._list(kind, system) for kind in WATCHED))

    async def _list(self, kind: Kind, system: System) -> None:
        namespace, name = system
        labels = f"{POD_SELECTOR if kind == POD else SELECTOR},{INSTANCE}={name}"
        try:
            items, version = await self._client.list(kind, namespace, labels=labels)
        except Refused as error:
            if error.status != 404 or kind not in OPTIONAL:
                raise
            self._absent.add(kind)
            return
        self.cache.replace_of(system, kind, items, version)

    def has(self, kind: Kind) -> bool:
        return kind not in self._absent
