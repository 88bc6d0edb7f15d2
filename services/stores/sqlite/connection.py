"""One SQLite connection inside a transaction: statements in, rows out, errors in the words of the ports."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.stores.ports import Dialect, Row, StoreError, UniqueViolation
from services.stores.sqlite.dialect import SqliteDialect

_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}
_PRIMARY = 0xFF
"""The low byte of an extended result code is the primary one."""

_LARGEST_CHUNK = 64
"""Rows of one INSERT at most. More make hardly faster, and prepared statements take memory."""


def translate(error: sqlite3.Error) -> Exception:
    """The port's exception for an error of SQLite. Its text names no value of a row."""
    code = getattr(error, "sqlite_errorcode", None)
    if code in _UNIQUE:
        return UniqueViolation(str(error))
    match code and code & _PRIMARY:
        case sqlite3.SQLITE_FULL:
            return StoreError("the database cannot grow: the disk is full; free some space")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError("the database is locked by another process for too long")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"the database cannot be opened or written: {error}; check the folder and its permissions"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(f"the database is damaged: {error}; restore a backup", retryable=False)
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_INTERRUPT | sqlite3.SQLITE_NOMEM:
            return StoreError(f"the database failed: {error}")
    return StoreError(f"the database refused a statement: {error}", retryable=False)


def connect(path: Path, *, busy_timeout: float, read_only: bool = False) -> sqlite3.Connection:
    """Opens the file. The caller alone begins and ends transactions. `busy_timeout` in seconds. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit returns only after its fsync
        connection.execute("PRAGMA cache_size = -8000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@lru_cache(maxsize=256)
def _insert_sql(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - names of our own schema


class SqliteConnection:
    """See services.stores.ports.Connection."""

    together = nullcontext

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.dialect: Dialect = SqliteDialect()
        self._raw = raw

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._raw.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error) from error

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        try:
            return self._raw.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise translate(error) from error

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        # Chunks of a power of two: few distinct statements, so that each stays prepared. One statement for many rows and
        # not executemany, because SQLite's Python module gives up the interpreter lock at every row and then has to wait
        # for the event loop to let go of it.
        names = tuple(columns)
        done, left = 0, len(rows)
        while left:
            size = min(_LARGEST_CHUNK, 1 << (left.bit_length() - 1))
            values = [value for row in rows[done : done + size] for value in row]
            self.change(_insert_sql(table, names, size), values)
            done, left = done + size, left - size
