"""Threads that take works from one queue: the shell around the transactions, which block.

The event loop submits and is told of what is done; a thread takes what waits, as much as its kind of transaction can share.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from services.stores.ports import Connection, StoreError


@dataclass(eq=False, slots=True)
class Job:
    """A work and what became of it."""

    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Worker(Protocol):
    """What one thread does with jobs. It belongs to that thread."""

    def run(self, jobs: list[Job], done: Callable[[list[Job]], None]) -> None:
        """Calls `done` once for every job, whose result or error is then set. Raises nothing."""
        ...

    def close(self) -> None: ...


class Threads:
    """One thread for each of `workers`. `limit`: works that may wait; `group`: works that a worker gets at once, at most."""

    def __init__(self, name: str, workers: list[Worker], *, limit: int, group: int) -> None:
        self._limit = limit
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), name=f"{name}-{number}", daemon=True)
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
        job = Job(work, self._loop.create_future())
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()
        return job.future

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
            return [self._waiting.popleft() for _ in range(min(self._group, len(self._waiting)))]

    def _run(self, worker: Worker) -> None:
        try:
            while jobs := self._take():
                # A work whose caller has given up before it began need not run.
                wanted = [job for job in jobs if not job.future.done()]
                if wanted:
                    worker.run(wanted, self._done)
        finally:
            worker.close()

    def _done(self, jobs: list[Job]) -> None:
        with suppress(RuntimeError):  # the loop was closed without closing the database: nobody waits any more
            self._loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
