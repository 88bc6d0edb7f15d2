"""Work that blocks or computes, beside the event loop: a few threads and a queue that does not grow without bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Overloaded(Exception):
    """The queue is full; the same call may succeed a moment later."""


class BoundedPool:
    """At most `workers` calls run at the same time and at most `queue_limit` more wait."""

    def __init__(self, name: str, *, workers: int, queue_limit: int) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._capacity = workers + queue_limit
        self.name = name
        self.workers = workers
        self.taken = 0
        """Calls that run or wait."""
        self.refused = 0
        """Calls that found the queue full, since the start."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `function` in a thread. Raises Overloaded, and whatever `function` raises.

        A caller that is cancelled leaves its place to others only when the thread is done: the thread cannot be stopped.
        """
        if self.taken >= self._capacity:
            self.refused += 1
            raise Overloaded
        self.taken += 1
        future = self._executor.submit(function, *args, **kwargs)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _call_soon(loop, self._release))
        return await asyncio.wrap_future(future)

    def _release(self) -> None:
        self.taken -= 1

    async def close(self) -> None:
        """Drops what is waiting and returns when what runs is done."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
