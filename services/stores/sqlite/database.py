"""The Database port on one SQLite file: reads beside each other and beside the one writer.

A read runs on the event loop, which for a look-up by key is many times cheaper than a hop to a thread. One that turns out
to be long is interrupted and begun again on a reader thread; works of `read` must therefore have no side effects.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from services.stores.groups import GroupObserver
from services.stores.ports import Connection, Dialect, Row, StoreError
from services.stores.sqlite.connection import SqliteConnection, connect, translate
from services.stores.sqlite.dialect import SqliteDialect
from services.stores.sqlite.writer import Writer

T = TypeVar("T")

_TICK = 1000
"""Steps of SQLite's virtual machine (some 50 µs) between two calls of the progress handler."""
_BRIEF_TICKS = 3
"""Ticks after which a read is no look-up any more. SQLite goes on counting a prepared statement's steps where its last run
ended, so a tick may be the fault of earlier runs; three in one read are not."""
_BRIEF_STATEMENTS = 12
"""Statements after which a read is no look-up any more."""


class _TooLongError(Exception):
    """This read does not belong on the event loop."""


class _BriefConnection(SqliteConnection):
    """A connection on the event loop, which gives up early."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        super().__init__(raw)
        self._statements = 0
        self._ticks = 0
        self._working = False
        raw.set_progress_handler(self._tick, _TICK)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Raises _TooLongError."""
        self._statements = self._ticks = 0
        try:
            self._raw.execute("BEGIN")
            try:
                self._working = True
                return work(self)
            finally:
                self._working = False  # the end of the transaction must not be interrupted
                self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error) from error

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self._statements += 1
        if self._statements > _BRIEF_STATEMENTS:
            raise _TooLongError
        try:
            return self._raw.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise _TooLongError from None
            raise translate(error) from error
        except sqlite3.Error as error:
            raise translate(error) from error

    def _tick(self) -> int:
        self._ticks += 1
        return self._working and self._ticks > _BRIEF_TICKS


class SqliteDatabase:
    """See services.stores.ports.Database. `open` it; the schema is the business of services.stores.migrate."""

    def __init__(
        self, path: Path, writing: sqlite3.Connection, brief: sqlite3.Connection, limits: tuple[int, int, float]
    ):
        readers, write_limit, self._busy_timeout = limits
        self.dialect: Dialect = SqliteDialect()
        self.long_reads = readers
        self._path = path
        self._writing = writing
        self._writer = Writer(writing, limit=write_limit, busy_timeout=self._busy_timeout)
        self._brief_raw = brief
        self._brief = _BriefConnection(brief)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, *, readers: int = 2, write_limit: int = 20_000, busy_timeout: float = 5.0
    ) -> SqliteDatabase:
        """Opens or creates the file. `readers`: threads for long reads; `write_limit`: writes that may wait;
        `busy_timeout`: seconds to wait for another process. Raises StoreError."""

        def both() -> tuple[sqlite3.Connection, sqlite3.Connection]:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                writing = connect(path, busy_timeout=busy_timeout)
                writing.execute("PRAGMA busy_timeout = 0")  # the writer waits by itself
            except OSError as error:
                raise StoreError(f"cannot create the folder of the database: {error}") from error
            try:
                return writing, connect(path, busy_timeout=0.0, read_only=True)
            except BaseException:
                writing.close()
                raise

        try:
            writing, brief = await asyncio.to_thread(both)
        except sqlite3.Error as error:
            raise translate(error) from error
        return cls(path, writing, brief, (readers, write_limit, busy_timeout))

    async def read(self, work: Callable[[Connection], T]) -> T:
        self._check_open()
        try:
            return self._brief.run(work)
        except _TooLongError:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_in_thread, work)

    async def write(self, work: Callable[[Connection], T], *, concurrent: bool = False) -> T:
        result: T = await self._writer.submit(work)
        return result

    def observe_groups(self, observer: GroupObserver) -> None:
        """See services.stores.groups."""
        self._writer.observers.add(observer)

    async def ping(self) -> None:
        """Writes nothing, but goes through the writer: a writer that hangs is no database."""
        await self._writer.submit(lambda connection: connection.execute("SELECT 1"))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        for raw in (self._brief_raw, *self._opened, self._writing):
            raw.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the database is closed", retryable=False)

    def _read_in_thread(self, work: Callable[[Connection], T]) -> T:
        connection: tuple[sqlite3.Connection, SqliteConnection] | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                raw = connect(self._path, busy_timeout=self._busy_timeout, read_only=True)
            except sqlite3.Error as error:
                raise translate(error) from error
            self._opened.append(raw)
            connection = self._local.connection = (raw, SqliteConnection(raw))
        return _in_snapshot(*connection, work)


def _in_snapshot(raw: sqlite3.Connection, connection: SqliteConnection, work: Callable[[Connection], T]) -> T:
    try:
        raw.execute("BEGIN")
        try:
            return work(connection)
        finally:
            raw.execute("COMMIT")
    except sqlite3.Error as error:
        raise translate(error) from error
