"""The work queue: which system is due, with at most one worker on a system at a time.

A key that is added while it waits is not added twice; one that is added while it is worked on becomes due again when that
work is done, so that no change is missed. `Schedule` decides on plain data and a clock that comes in; `WorkQueue` is the
shell that sleeps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import random as uniform

from controller.engine.backoff import Backoff


class Schedule:
    """Due times of keys. All times are seconds of one monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._running: dict[str, float | None] = {}  # key -> when it is due again

    def add(self, key: str, at: float) -> None:
        """Makes the key due at `at`, or earlier if it already was."""
        if key in self._running:
            again = self._running[key]
            self._running[key] = at if again is None else min(again, at)
        else:
            self._due[key] = min(at, self._due.get(key, at))

    def take(self, now: float) -> str | None:
        """The key that has been due longest, now in work; none if nothing is due."""
        ready = [(at, key) for key, at in self._due.items() if at <= now]
        if not ready:
            return None
        _, key = min(ready)
        del self._due[key]
        self._running[key] = None
        return key

    def done(self, key: str) -> None:
        """The work on the key is over; what was added meanwhile counts now."""
        again = self._running.pop(key)
        if again is not None:
            self._due[key] = again

    def overdue(self, now: float) -> list[float]:
        """For how long each key has been due that nobody works on."""
        return [now - at for at in self._due.values() if at <= now]

    def next_due(self) -> float | None:
        return min(self._due.values(), default=None)

    def __contains__(self, key: str) -> bool:
        return key in self._due or key in self._running


class WorkQueue:
    """Hands keys to workers. `backoff` spaces the retries of a key that keeps failing; `waited` is told for how many seconds a
    key had been due when it was taken."""

    def __init__(
        self,
        *,
        backoff: Backoff,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = uniform,
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._schedule = Schedule()
        self._backoff = backoff
        self._clock = clock
        self._random = random
        self._waited = waited
        self._failures: dict[str, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: str, delay: float = 0.0) -> None:
        self._schedule.add(key, self._clock() + delay)
        self._changed.set()

    async def take(self) -> str:
        """Waits for the next key that is due. It is nobody else's until `done`."""
        while True:
            # Cleared before looking: an addition after the look must end the sleep.
            self._changed.clear()
            now = self._clock()
            overdue = max(self._schedule.overdue(now), default=0.0)
            key = self._schedule.take(now)
            if key is not None:
                self._waited(overdue)
                self._changed.set()  # Another worker may find another key.
                return key
            due = self._schedule.next_due()
            timeout = None if due is None else max(due - self._clock(), 0.0)
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def waiting(self) -> int:
        """How many keys are due and wait for a worker."""
        return len(self._schedule.overdue(self._clock()))

    def done(self, key: str) -> None:
        self._schedule.done(key)
        self._changed.set()

    def retry(self, key: str) -> float:
        """Makes the key due again after a failure. Returns the delay in seconds, which grows with each failure in a row."""
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = self._backoff.delay(self._failures[key], self._random())
        self.add(key, delay)
        return delay

    def forget(self, key: str) -> None:
        """The key succeeded: its next failure is a first one."""
        self._failures.pop(key, None)
