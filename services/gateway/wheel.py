"""One timer for all connections: pings, deadlines and lingering closes without a timer each."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

SLOTS = 128


class Timed(Protocol):
    def due(self) -> float:
        """Called when the time set with `add` has come. Returns the seconds until the next call, 0 for none."""
        ...


class Wheel:
    """A timing wheel with a resolution of `tick` seconds. `now` is its time, in seconds, cheap to read. `overslept` is called
    when its process was stopped, or so busy, that nobody looked at the clock for `patience` seconds."""

    def __init__(
        self,
        tick: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        patience: float = math.inf,
        overslept: Callable[[], None] = lambda: None,
    ) -> None:
        self._patience = patience
        self._overslept = overslept
        self._tick = tick
        self.clock = clock
        self._slots: list[list[tuple[int, Timed]]] = [[] for _ in range(SLOTS)]
        self._turn = 0
        self._task: asyncio.Task[None] | None = None
        self.now = clock()

    def add(self, item: Timed, delay: float) -> None:
        """Calls `item.due()` once, `delay` seconds from now, up to a tick later."""
        turn = self._turn + max(1, -int(-delay // self._tick))
        self._slots[turn % SLOTS].append((turn, item))

    def look(self) -> None:
        """Reads the clock, which something that must not happen after an oversleep does first."""
        late = self.clock() - self.now
        self.now += late
        if late > self._patience:
            self._overslept()

    def turn(self) -> None:
        """Goes on by one tick."""
        self._turn += 1
        self.look()
        index = self._turn % SLOTS
        entries, self._slots[index] = self._slots[index], []
        for turn, item in entries:
            if turn > self._turn:
                self._slots[index].append((turn, item))
                continue
            try:
                again = item.due()
            except Exception:  # one connection must not stop the time of all others
                log.exception("a connection's timer failed")
                continue
            if again:
                self.add(item, again)

    def start(self) -> None:
        self.now = self.clock()
        self._task = asyncio.create_task(self._run(), name="gateway-wheel")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            self.turn()
