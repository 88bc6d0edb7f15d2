"""The one writer of a SQLite file: works run on the event loop, commits on a thread, and what arrives meanwhile shares
the next commit.

Why not all of it on the thread: SQLite's Python module gives up the interpreter lock at every step of a statement, and a
busy event loop takes long to give it back; a transaction of ten statements would wait ten times. The commit, which waits
for the disk, is the part worth a thread. A group that must wait for another process's lock, or turns out to be long, is
undone and begun again on the thread, so the loop never waits for either; works may run more than once.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from services.stores.groups import Observers
from services.stores.ports import Connection, StoreError
from services.stores.sqlite.connection import SqliteConnection, translate

log = logging.getLogger(__name__)

_LARGEST_GROUP = 256
"""Works of one commit at most, so that the first of them does not wait for ever."""
_BUDGET = 0.02
"""Seconds that a group may take on the event loop."""
_TICK = 20_000
"""Steps of SQLite's virtual machine between two looks at the clock."""
_LOCK_PAUSE = 0.005


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    joined: list[Any] | None = None
    """What the observers of groups want back."""


class _TransactionLostError(Exception):
    """SQLite rolled the whole transaction back by itself, as it does when the disk is full."""


class _NotHereError(Exception):
    """This group does not belong on the event loop."""


class Writer:
    """`limit`: works that may wait. `busy_timeout`: seconds to wait for another process's lock; `raw` itself must not wait."""

    def __init__(self, raw: sqlite3.Connection, *, limit: int, busy_timeout: float) -> None:
        self._raw = raw
        self._connection = SqliteConnection(raw)
        self._limit = limit
        self._busy_timeout = busy_timeout
        self._waiting: deque[_Job] = deque()
        self._busy = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._deadline: float | None = None
        self._over = False
        self._began = 0.0
        self.observers = Observers()
        raw.set_progress_handler(self._tick, _TICK)
        self._loop = asyncio.get_running_loop()
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], Any]) -> asyncio.Future[Any]:
        """Queues a work. Raises StoreError if too many wait or the database is closed."""
        if self._closed:
            raise StoreError("the database is closed", retryable=False)
        if len(self._waiting) >= self._limit:
            raise StoreError(f"the database is overloaded: {len(self._waiting)} writes are waiting")
        job = _Job(work, self._loop.create_future(), joined=self.observers.joined())
        self._waiting.append(job)
        if not self._busy:
            # After the callbacks that are ready now, so that this turn's works share the transaction.
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._next_group)
        return job.future

    async def close(self) -> None:
        """Finishes what was submitted, then ends the thread."""
        first, self._closed = not self._closed, True
        await self._idle.wait()
        if first:
            self._tasks.put(None)
            await asyncio.to_thread(self._thread.join)

    def _next_group(self) -> None:
        jobs: list[_Job] = []
        while self._waiting and len(jobs) < _LARGEST_GROUP:
            job = self._waiting.popleft()
            if not job.future.done():  # a work whose caller has given up need not run
                jobs.append(job)
        if not jobs:
            self._busy = False
            self._idle.set()
            return
        self._began = time.monotonic()
        try:
            self._begin()
            self._deadline = time.monotonic() + _BUDGET
            self._work(jobs)
            rest = self._commit
        except Exception:  # noqa: BLE001 - the thread runs the group again and tells the callers
            self._rollback()
            rest = self._whole_group
        # Before the hand-over: the thread has all the time it needs, and must not find the loop's time used up.
        self._deadline, self._over = None, False
        self._tasks.put(lambda: rest(jobs))

    def _settle(self, jobs: list[_Job], seconds: float) -> None:
        self.observers.finished([job.joined or () for job in jobs], seconds)
        for job in jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)
        # After the callers that were just answered: what they submit next can join.
        self._loop.call_soon(self._next_group)

    def _tick(self) -> bool:
        self._over = self._over or (self._deadline is not None and time.monotonic() > self._deadline)
        return self._over

    # Either side: the loop while no task is with the thread, the thread while one is.

    def _begin(self) -> None:
        self._raw.execute("BEGIN IMMEDIATE")

    def _work(self, jobs: list[_Job]) -> None:
        for job in jobs:
            if len(jobs) == 1:
                self._run_alone(job)
            else:
                self._run_in_savepoint(job)
            if self._over:
                raise _NotHereError

    def _run_alone(self, job: _Job) -> None:
        job.error = None
        try:
            job.result = job.work(self._connection)
        except Exception as error:  # noqa: BLE001 - raised to the work's caller
            job.error = error
            self._rollback()

    def _run_in_savepoint(self, job: _Job) -> None:
        job.error = None
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

    # The thread.

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            if self._raw.in_transaction:
                self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            self._fail(jobs, error)
        self._done(jobs)

    def _whole_group(self, jobs: list[_Job]) -> None:
        try:
            self._transaction(jobs)
        except _TransactionLostError:
            # One work took the others down with it: each gets a transaction of its own.
            for job in jobs:
                try:
                    self._transaction([job])
                except Exception as error:  # noqa: BLE001 - raised to the work's caller
                    self._fail([job], error)
        except Exception as error:  # noqa: BLE001 - whatever it is, callers must not wait for ever
            self._fail(jobs, error)
        self._done(jobs)

    def _transaction(self, jobs: list[_Job]) -> None:
        try:
            self._begin_patiently()
            self._work(jobs)
            if self._raw.in_transaction:
                self._raw.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _begin_patiently(self) -> None:
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                return self._begin()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(_LOCK_PAUSE)

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        failure = translate(error) if isinstance(error, sqlite3.Error) else error
        for job in jobs:
            job.error = job.error or failure

    def _done(self, jobs: list[_Job]) -> None:
        with suppress(RuntimeError):  # the loop was closed without closing the database: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, jobs, time.monotonic() - self._began)
