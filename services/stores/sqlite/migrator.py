"""Runs migrations on a SQLite file: all that are pending in one transaction, so that it ends either old or new."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.stores.migrate import Applied, Migration, MigrationError, pending
from services.stores.sqlite.connection import connect, translate

_TABLE = """CREATE TABLE IF NOT EXISTS schema_migration (
    number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, works_from INTEGER NOT NULL,
    applied_at INTEGER NOT NULL)"""


def migrate(path: Path, migrations: Sequence[Migration], *, lock_timeout: float = 30.0) -> list[Migration]:
    """Brings the file to the newest schema and returns what was run. Another migration at the same time is waited for
    `lock_timeout` seconds. Raises MigrationError, StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MigrationError(f"cannot create the folder of the database: {error}") from error
    try:
        raw = connect(path, busy_timeout=lock_timeout)
    except sqlite3.Error as error:
        raise translate(error) from error
    try:
        raw.execute("BEGIN IMMEDIATE")  # the lock: one writer at a time
        raw.execute(_TABLE)
        todo = pending(migrations, _applied(raw))
        for migration in todo:
            _run(raw, migration)
        raw.execute("INSERT INTO setting VALUES ('epoch', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(8),))
        raw.execute("COMMIT")
    except sqlite3.Error as error:
        raise translate(error) from error
    finally:
        raw.close()  # rolls back what was not committed
    return todo


def check(path: Path, migrations: Sequence[Migration]) -> None:
    """Raises MigrationError unless code with these migrations can work on the file."""
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        exists = raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'").fetchone()
        left = pending(migrations, _applied(raw) if exists else [])
    except sqlite3.Error as error:
        raise translate(error) from error
    finally:
        raw.close()
    if left:
        raise MigrationError(
            f"the schema of {path.name} lacks {', '.join(each.name for each in left)}; run chatsystem-services migrate first"
        )


def _applied(raw: sqlite3.Connection) -> list[Applied]:
    rows = raw.execute("SELECT number, name, checksum, works_from FROM schema_migration ORDER BY number")
    return [Applied(*row) for row in rows]


def _run(raw: sqlite3.Connection, migration: Migration) -> None:
    try:
        for statement in _statements(migration.sql):
            raw.execute(statement)
    except sqlite3.Error as error:
        raise MigrationError(f"migration {migration.name} failed and was undone as a whole: {error}") from error
    raw.execute(
        "INSERT INTO schema_migration VALUES (?, ?, ?, ?, ?)",
        (migration.number, migration.name, migration.checksum, migration.works_from, int(time.time() * 1000)),
    )


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit before the first one."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip() and not all(line.startswith("--") for line in statement.strip().splitlines()):
        raise MigrationError("the last statement of the migration does not end with a semicolon")
