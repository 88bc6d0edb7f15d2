"""Runs migrations on MySQL or MariaDB, where a change of the schema cannot be undone: statement by statement, each noted.

A file that stopped half-way is known by its row in schema_migration, which has no `applied_at` and says how many of its
statements are done. The next run goes on behind them. The statement at which a run was lost (its connection, or the process)
may be done without being noted; if the server then says that what it makes is there already, that is believed, for that
one statement. One run at a time, by a lock of the server that ends with the connection.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from services.stores.migrate import Applied, Migration, MigrationError, pending
from services.stores.mysql.connection import MysqlConnection
from services.stores.mysql.errors import SchemaConflictError
from services.stores.mysql.target import Target
from services.stores.ports import Row, StoreError
from services.stores.statements import UnfinishedStatement, statements

log = logging.getLogger(__name__)

T = TypeVar("T")

_STATEMENT = 3600.0
"""Seconds that one statement of a migration may take: a large table is rebuilt by some."""

_TABLE = """CREATE TABLE IF NOT EXISTS schema_migration (
    number INTEGER NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, checksum VARCHAR(64) NOT NULL,
    works_from INTEGER NOT NULL, applied_at BIGINT, done INTEGER NOT NULL DEFAULT 0, started INTEGER NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"""


@dataclass(frozen=True)
class _Noted:
    """A row of schema_migration. `done` statements are, `started` is one more while one is under way."""

    applied: Applied
    finished: bool
    done: int
    started: int


def migrate(target: Target, migrations: Sequence[Migration], *, lock_timeout: float = 60.0) -> list[Migration]:
    """Brings the database to the newest schema and returns what was run. Another migration at the same time is waited for
    `lock_timeout` seconds. Raises MigrationError, StoreError."""
    patient = replace(target, patience=replace(target.patience, statement=max(_STATEMENT, target.patience.statement)))
    return _connected(patient, lambda connection: _locked(connection, target, migrations, lock_timeout))


def check(target: Target, migrations: Sequence[Migration]) -> None:
    """Raises MigrationError unless code with these migrations can work on the database, StoreError."""
    _, todo, half = standing(target, migrations)
    if half:
        raise MigrationError(
            f"migration {half[0]} is half applied to {target.database}; run chatsystem-services migrate, which goes on with it"
        )
    if todo:
        raise MigrationError(
            f"the schema of {target.database} lacks {', '.join(each.name for each in todo)}; "
            "run chatsystem-services migrate first"
        )


def standing(target: Target, migrations: Sequence[Migration]) -> tuple[bool, list[Migration], list[str]]:
    """Whether anything was ever applied, what is left to run, and the names of what is half applied. Changes nothing. Raises
    MigrationError if this code and the database cannot go together, StoreError."""
    noted = _connected(target, _read)
    return bool(noted), _todo(migrations, noted), [each.applied.name for each in noted if not each.finished]


def _connected(target: Target, action: Callable[[MysqlConnection], T]) -> T:
    connection = MysqlConnection(target, isolation="READ COMMITTED")
    connection.open()
    try:
        return action(connection)
    finally:
        connection.close()


def _locked(
    connection: MysqlConnection, target: Target, migrations: Sequence[Migration], timeout: float
) -> list[Migration]:
    # The name of a lock has 64 characters at most and is shared by all databases of the server.
    lock = f"migrate {target.database}"[:64]
    if connection.execute("SELECT GET_LOCK(?, ?)", (lock, timeout))[0][0] != 1:
        raise MigrationError(
            f"another migration of {target.database} has been running for more than {timeout:g} s; wait for it to end"
        )
    connection.change(_TABLE)
    noted = _read(connection)
    todo = _todo(migrations, noted)
    halves = {each.applied.number: each for each in noted if not each.finished}
    for migration in todo:
        _apply(connection, migration, halves.get(migration.number))
    connection.change(connection.dialect.insert_ignore("setting", ("name", "value")), ("epoch", secrets.token_hex(8)))
    return todo


def _read(connection: MysqlConnection) -> list[_Noted]:
    exists = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'schema_migration'"
    )
    if not exists:
        return []
    rows: list[Row] = connection.execute(
        "SELECT number, name, checksum, works_from, applied_at, done, started FROM schema_migration ORDER BY number"
    )
    return [_Noted(Applied(*row[:4]), row[4] is not None, row[5], row[6]) for row in rows]


def _todo(migrations: Sequence[Migration], noted: Sequence[_Noted]) -> list[Migration]:
    todo = pending(migrations, [each.applied for each in noted if each.finished])
    ours = {migration.number: migration for migration in migrations}
    for each in noted:
        migration = ours.get(each.applied.number)
        if not each.finished and (migration is None or migration.checksum != each.applied.checksum):
            raise MigrationError(
                f"migration {each.applied.name} is half applied ({each.done} of its statements are), but this version's "
                "file is another one; run the version that began it, or restore a backup"
            )
    return todo


def _apply(connection: MysqlConnection, migration: Migration, half: _Noted | None) -> None:
    try:
        script = statements(migration.sql)
    except UnfinishedStatement as error:
        raise MigrationError(f"migration {migration.name}: {error}") from error
    done = half.done if half else 0
    if half is None:
        connection.change(
            "INSERT INTO schema_migration (number, name, checksum, works_from) VALUES (?, ?, ?, ?)",
            (migration.number, migration.name, migration.checksum, migration.works_from),
        )
    else:
        log.warning("migration %s was left after %d of %d statements; going on", migration.name, done, len(script))
    for position, statement in enumerate(script[done:], start=done + 1):
        lost_here = half is not None and half.started == position
        _note(connection, migration, "started", position)
        try:
            connection.change(statement)
        except SchemaConflictError as error:
            if not lost_here:
                _stopped(connection, migration, position, len(script), error)
            log.warning("statement %d of %s had been done before the run was lost", position, migration.name)
        except StoreError as error:
            _stopped(connection, migration, position, len(script), error)
        _note(connection, migration, "done", position)
    _note(connection, migration, "applied_at", int(time.time() * 1000))


def _note(connection: MysqlConnection, migration: Migration, column: str, value: int) -> None:
    connection.change(f"UPDATE schema_migration SET {column} = ? WHERE number = ?", (value, migration.number))  # noqa: S608


def _stopped(connection: MysqlConnection, migration: Migration, position: int, count: int, error: StoreError) -> None:
    """Raises MigrationError."""
    if connection.lost is None:
        # The server refused it, so it is certainly not done.
        _note(connection, migration, "started", position - 1)
    raise MigrationError(
        f"migration {migration.name} stopped at statement {position} of {count}: {error}. The {position - 1} before it are "
        "done and stay; put the cause right and run the migration again, which goes on there"
    ) from error
