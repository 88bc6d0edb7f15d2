"""Looks after the external stores beside the loop: one check at a time for a system, at once when its declaration of them
changed, then now and then. A pass never waits for a check; a check whose result is news wakes the next pass.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.blueprint import store_check
from controller.blueprint.workload import Blueprint, External
from controller.engine.backoff import Backoff
from controller.engine.model import StoreHealth
from controller.engine.ports import Target, TargetError
from controller.engine.store_health import TRANSIENT, lacking, read, unchecked, without_secret

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds for one check of all stores. The check bounds itself to a few; a platform may take longer to start it."""


async def examine(
    target: Target, system: str, blueprint: Blueprint, secrets: Mapping[str, Sequence[str]]
) -> tuple[StoreHealth, ...]:
    """Checks the external stores once, all at the same time. `secrets`: the keys that exist. What is wrong is in the answer,
    also that the check could not be carried out."""
    missing = {store.name: lacking(store, secrets) for store in blueprint.external}
    names = [name for name, lacks in missing.items() if not lacks]
    found: dict[str, StoreHealth] = {}
    failure = ""
    if names:
        try:
            found = read(await target.run_once(system, store_check.workload(blueprint, names), timeout=PATIENCE))
            failure = "the check said nothing about it"
        except TargetError as error:
            failure = f"the check could not be carried out: {error}"

    def health(store: External) -> StoreHealth:
        if lacks := missing[store.name]:
            findings = tuple(
                without_secret(store, name, keys, target.secret_remedy(system, name, keys))
                for name, keys in lacks.items()
            )
            return StoreHealth(store.name, store.path, findings=findings)
        return found.get(store.name) or StoreHealth(store.name, store.path, checked=False, failure=failure)

    return tuple(health(store) for store in blueprint.external)


@dataclass
class _Watched:
    """A system whose stores are looked at."""

    blueprint: Blueprint
    secrets: Mapping[str, Sequence[str]]
    known: tuple[StoreHealth, ...]
    task: asyncio.Task[None] | None = field(default=None)

    def same(self, blueprint: Blueprint, secrets: Mapping[str, Sequence[str]]) -> bool:
        """Whether what is known holds for this, too."""
        before = [lacking(store, self.secrets) for store in self.blueprint.external]
        return self.blueprint.external == blueprint.external and before == [
            lacking(store, secrets) for store in blueprint.external
        ]


class StoreWatch:
    """The external stores of all systems of a loop. `wake` is called with the name of a system when something about its
    stores changed. `usual` in seconds, `retry` while something is wrong."""

    def __init__(self, target: Target, wake: Callable[[str], None], *, usual: float, retry: Backoff) -> None:
        self._target = target
        self._wake = wake
        self._usual = usual
        self._retry = retry
        self._watched: dict[str, _Watched] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def look(self, system: str, blueprint: Blueprint, secrets: Mapping[str, Sequence[str]]) -> tuple[StoreHealth, ...]:
        """What is known now. Begins to look at stores that are new or were declared anew."""
        if not blueprint.external:
            self.forget(system)
            return ()
        watched = self._watched.get(system)
        if watched is not None and watched.same(blueprint, secrets):
            watched.blueprint, watched.secrets = blueprint, secrets
            return watched.known
        before = self.forget(system)
        watched = _Watched(blueprint, secrets, unchecked(blueprint))
        watched.task = asyncio.create_task(self._follow(system, watched, before), name=f"stores of {system}")
        self._watched[system] = watched
        return watched.known

    def forget(self, system: str) -> asyncio.Task[None] | None:
        """Looks no longer. Returns what is just ending, if anything."""
        watched = self._watched.pop(system, None)
        if watched is None or watched.task is None:
            return None
        watched.task.cancel()
        self._leaving.add(watched.task)
        watched.task.add_done_callback(self._leaving.discard)
        return watched.task

    async def close(self) -> None:
        for system in list(self._watched):
            self.forget(system)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _follow(self, system: str, watched: _Watched, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        failures = 0
        while True:
            try:
                found = await examine(self._target, system, watched.blueprint, watched.secrets)
            except Exception:
                log.exception("the external stores of %s cannot be checked", system)
                found = unchecked(watched.blueprint, "the controller failed; its log has the details")
            failures = failures + 1 if any(_unwell(store) for store in found) else 0
            # Once may be chance where all was well before: it is looked at again soon, and only then believed.
            doubtful = failures == 1 and _usable(watched.known) and all(map(_may_be_chance, found))
            if found != watched.known and not doubtful:
                watched.known = found
                self._wake(system)
            await asyncio.sleep(self._retry.delay(failures, random.random()) if failures else self._usual)  # noqa: S311


def _unwell(store: StoreHealth) -> bool:
    return store.error is not None or not store.checked


def _usable(stores: Sequence[StoreHealth]) -> bool:
    return not any(map(_unwell, stores))


def _may_be_chance(store: StoreHealth) -> bool:
    return store.error is None or store.error.reason in TRANSIENT
