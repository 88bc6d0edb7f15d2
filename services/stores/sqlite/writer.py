"""The one thread that writes to a SQLite file: what arrives while a commit is under way shares the next one.

The thread resolves all futures of a group with one wake-up of the event loop, in the order of submission.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from services.stores.ports import Connection, StoreError
from services.stores.sqlite.connection import SqliteConnection, translate

_LARGEST_GROUP = 256
"""Works of one commit at most, so that the first of them does not wait for ever."""


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class _TransactionLostError(Exception):
    """SQLite rolled the whole transaction back by itself, as it does when the disk is full."""


class Writer:
    """Takes works on the event loop, runs them on its thread. `limit`: works that may wait."""

    def __init__(self, raw: sqlite3.Connection, *, limit: int) -> None:
        self._raw = raw
        self._connection = SqliteConnection(raw)
        self._limit = limit
        self._waiting = 0
        self._closed = False
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], Any]) -> asyncio.Future[Any]:
        """Queues a work. Raises StoreError if too many wait or the database is closed."""
        if self._closed:
            raise StoreError("the database is closed", retryable=False)
        if self._waiting >= self._limit:
            raise StoreError(f"the database is overloaded: {self._waiting} writes are waiting")
        job = _Job(work, self._loop.create_future())
        self._waiting += 1
        self._queue.put(job)
        return job.future

    async def close(self) -> None:
        """Finishes what was submitted, then ends the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        while self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _settle(self, jobs: list[_Job]) -> None:
        self._waiting -= len(jobs)
        for job in jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)

    def _run(self) -> None:
        last = False
        while not last:
            jobs: list[_Job] = []
            job = self._queue.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == _LARGEST_GROUP:
                    break
                try:
                    job = self._queue.get_nowait()
                except Empty:
                    break
            last = job is None
            if jobs:
                self._commit_group(jobs)
                with suppress(RuntimeError):  # the loop was closed without closing the database: nobody waits any more
                    self._loop.call_soon_threadsafe(self._settle, jobs)

    def _commit_group(self, jobs: list[_Job]) -> None:
        # A work whose caller has given up before it began need not run.
        wanted = [job for job in jobs if not job.future.done()]
        try:
            self._transaction(wanted)
        except _TransactionLostError:
            # One work took the others down with it: each gets a transaction of its own.
            for job in wanted:
                job.error = None
                with suppress(_TransactionLostError):
                    self._transaction([job])
        except Exception as error:  # noqa: BLE001 - whatever it is, callers must not wait for ever
            failure = translate(error) if isinstance(error, sqlite3.Error) else error
            for job in wanted:
                job.error = job.error or failure

    def _transaction(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            alone = len(jobs) == 1
            for job in jobs:
                self._run_alone(job) if alone else self._run_in_savepoint(job)
            if alone and jobs[0].error is not None:
                self._rollback()
            else:
                self._raw.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _run_alone(self, job: _Job) -> None:
        try:
            job.result = job.work(self._connection)
        except Exception as error:  # noqa: BLE001 - raised to the work's caller
            job.error = error

    def _run_in_savepoint(self, job: _Job) -> None:
        self._raw.execute("SAVEPOINT work")
        try:
            job.result = job.work(self._connection)
        except Exception as error:
            job.error = error
            if not self._raw.in_transaction:
                raise _TransactionLostError from error
            self._raw.execute("ROLLBACK TO work")
        self._raw.execute("RELEASE work")

    def _rollback(self) -> None:
        if self._raw.in_transaction:
            with suppress(sqlite3.Error):
                self._raw.execute("ROLLBACK")
