"""Schema migrations: the numbered files of sql/<dialect>/, and which of them a database still needs.

Pure but for reading the files. An adapter's migrator runs what `pending` says, under a lock. A file that was applied must
never change, which its checksum guards. The line `-- Works with code from: NNNN` tells which older code (known by its
newest file) may go on serving after the file was applied; without it none may.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_WORKS_WITH = re.compile(r"^-- Works with code from: (\d{4})$", re.MULTILINE)


class MigrationError(Exception):
    """The schema cannot be brought to this version's state; the text says why and what to do."""


@dataclass(frozen=True)
class Migration:
    """One file. `works_from`: the oldest schema number whose code still works once it is applied."""

    number: int
    name: str
    sql: str
    checksum: str
    works_from: int


@dataclass(frozen=True)
class Applied:
    """A row of schema_migration."""

    number: int
    name: str
    checksum: str
    works_from: int


def sql_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with one folder per dialect: CHATSYSTEM_SQL_DIR, or `sql` beside the package in a source tree, or where an
    installed package has it."""
    if named := environment.get("CHATSYSTEM_SQL_DIR"):
        return Path(named)
    beside = Path(__file__).resolve().parents[2] / "sql"
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "chatsystem" / "sql"


def load(directory: Path) -> list[Migration]:
    """The migrations of one dialect in order. Raises MigrationError for a missing folder, a wrong name or a gap."""
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".sql")
    except OSError as error:
        raise MigrationError(f"no migrations at {directory}: {error.strerror}; set CHATSYSTEM_SQL_DIR") from error
    if not paths:
        raise MigrationError(f"no migrations at {directory}; set CHATSYSTEM_SQL_DIR")
    migrations = []
    for expected, path in enumerate(paths, start=1):
        match = _NAME.fullmatch(path.name)
        if not match or int(match[1]) != expected:
            raise MigrationError(f"{path}: expected a name such as {expected:04}_what_it_does.sql")
        content = path.read_bytes()
        sql = content.decode()
        works_from = _WORKS_WITH.search(sql)
        migrations.append(
            Migration(
                expected,
                path.name,
                sql,
                hashlib.sha256(content).hexdigest(),
                int(works_from[1]) if works_from else expected,
            )
        )
    return migrations


def pending(migrations: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """What is left to run. Raises MigrationError if the database was made by other files, or by newer code that ended
    the service of this code."""
    known = {migration.number: migration for migration in migrations}
    for row in applied:
        migration = known.get(row.number)
        if migration is None:
            if row.works_from > len(migrations):
                raise MigrationError(
                    f"the database has migration {row.name} of a newer version, with which this version cannot work; "
                    "run the newer version, or restore a backup taken before it"
                )
        elif migration.checksum != row.checksum:
            raise MigrationError(
                f"migration {row.name} was changed after it was applied; restore the file and put the change into a new one"
            )
    done = {row.number for row in applied}
    return [migration for migration in migrations if migration.number not in done]
