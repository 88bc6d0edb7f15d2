"""What consumers gave up on waits for a person, but not for ever and not without bound: the oldest are dropped, and counted.

Any replica of the store service does so for all groups; several at once do no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from services.runtime.events import CONSUMERS
from services.stores.ports import Queue, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bounds:
    """Of the dead letters of one group."""

    most: int
    """As the store counts them (Queue.dead_depth)."""
    age: float
    """Seconds."""


class DeadLetters:
    """`interval`: seconds between two looks."""

    def __init__(self, queue: Queue, bounds: Bounds, clock: Callable[[], float], interval: float) -> None:
        self._queue = queue
        self._bounds = bounds
        self._clock = clock
        self._interval = interval
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="dead-letters")

    async def stop(self) -> None:
        # The flag too: the client of a store can swallow a cancellation by its own time-outs.
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def sweep(self) -> int:
        """Drops what is beyond the bounds; returns how many. Raises StoreError."""
        before = self._clock() - self._bounds.age
        dropped = 0
        for topic, group in CONSUMERS:
            count = await self._queue.drop_dead_letters(topic, group, keep=self._bounds.most, before=before)
            if count:
                log.warning("%d dead letters of %s, group %s, were dropped: too many, or too old", count, topic, group)
            dropped += count
        return dropped

    async def _run(self) -> None:
        while not self._stopping:
            await asyncio.sleep(self._interval)
            try:
                await self.sweep()
            except StoreError as error:
                log.warning("dead letters were not looked at: %s", error)
            except Exception:
                log.exception("dead letters could not be looked at")
