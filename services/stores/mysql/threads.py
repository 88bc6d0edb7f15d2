"""Threads that take works from one queue: the shell around the transactions, which block.

The event loop submits and is told of what is done; a thread takes what waits, as much as its kind of transaction can share.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from services.stores.connection_pools import PoolObserver, PoolState
from services.stores.groups import Observers
from services.stores.ports import Connection, StoreError


@dataclass(eq=False, slots=True)
class Job:
    """A work and what became of it."""

    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    joined: list[Any] | None = None
    """What the observers of groups want back."""
    submitted: float = 0.0
    taken: float = 0.0
    """Monotonic seconds at which a worker took it."""
    result: Any = None
    error: BaseException | None = None


Done = Callable[[list[Job], float], None]
"""Jobs of one transaction that are done, and the seconds that it took."""


class Worker(Protocol):
    """What one thread does with jobs. It belongs to that thread."""

    def run(self, jobs: list[Job], done: Done, repeated: Callable[[str], None]) -> None:
        """Calls `done` once for every job, whose result or error is then set, and `repeated` with the reason whenever it begins
        a transaction again. Raises nothing."""
        ...

    def close(self) -> None: ...


class Threads:
    """One thread for each of `workers`. `limit`: works that may wait; `group`: works that a worker gets at once, at most.
    `name` is that of the pool."""

    def __init__(self, name: str, workers: list[Worker], *, limit: int, group: int) -> None:
        self.observers = Observers()
        """Of groups."""
        self.pool_observers: list[PoolObserver] = []
        self._name = name
        self._in_use = 0
        self._limit = limit
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), name=f"mysql-{name}-{number}", daemon=True)
            for number, worker in enumerate(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Connection], Any]) -> asyncio.Future[Any]:
        """Raises StoreError if too many wait or the database is closed."""
        if self._closed:
            raise StoreError("the database is closed", retryable=False)
        if len(self._waiting) >= self._limit:
            raise StoreError(f"the database is overloaded: {len(self._waiting)} works are waiting")
        job = Job(work, self._loop.create_future(), self.observers.joined(), time.monotonic())
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    def state(self) -> PoolState:
        return PoolState(self._name, len(self._threads), self._in_use, len(self._waiting))

    async def close(self) -> None:
        """Finishes what was submitted, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            while thread.is_alive():
                await asyncio.to_thread(thread.join)

    def _take(self) -> list[Job]:
        """Empty when there is no more to come."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            self._in_use += 1
            return [self._waiting.popleft() for _ in range(min(self._group, len(self._waiting)))]

    def _free(self) -> None:
        with self._changed:
            self._in_use -= 1

    def _run(self, worker: Worker) -> None:
        try:
            while jobs := self._take():
                # A work whose caller has given up before it began need not run.
                wanted = [job for job in jobs if not job.future.done()]
                now = time.monotonic()
                for job in wanted:
                    job.taken = now
                if wanted:
                    worker.run(wanted, self._done, self._repeated)
                self._free()
        finally:
            worker.close()

    def _done(self, jobs: list[Job], seconds: float) -> None:
        with suppress(RuntimeError):  # the loop was closed without closing the database: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, jobs, seconds)

    def _repeated(self, reason: str) -> None:
        for observer in self.pool_observers:
            observer.repeated(self._name, reason)

    def _settle(self, jobs: list[Job], seconds: float) -> None:
        self.observers.finished([job.joined or () for job in jobs], seconds)
        for observer in self.pool_observers:
            for job in jobs:
                observer.waited(self._name, job.taken - job.submitted)
        for job in jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)
