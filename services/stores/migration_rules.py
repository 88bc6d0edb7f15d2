"""Checks the migration files: `python -m services.stores.migration_rules [folder]`, exit code 1 and a list if one is wrong.

Schema changes are expand and contract: while a release goes on, code of two versions works on one schema, and a release
that is taken back never takes the schema back. So a file that says `-- Works with code from: NNNN` may only add what older
code does not stumble over. What that code uses goes away in a later file, which says `-- Ends older code: why`, once no
such code can be running.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.stores.ddl import (
    AddColumn,
    AddIndex,
    Change,
    Column,
    CreateTable,
    Data,
    Drop,
    ModifyColumn,
    Other,
    Rename,
    changes,
)
from services.stores.migrate import Migration, MigrationError, load, sql_directory
from services.stores.statements import UnfinishedStatement, statements

DIALECTS = ("sqlite", "mysql")
_ENDS_OLDER = re.compile(r"^-- Ends older code: \S.*$", re.MULTILINE)
_COLLATION = "COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */"
_FAMILIES = (
    ("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"),
    ("CHAR", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"),
    ("BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"),
)
_TINY = 255
"""Bytes that TINYTEXT and TINYBLOB hold."""


@dataclass
class _Schema:
    """What the files before made of the tables: table -> column -> how it is."""

    tables: dict[str, dict[str, Column]] = field(default_factory=dict)

    def column(self, table: str, name: str) -> Column | None:
        return self.tables.get(table, {}).get(name)

    def take(self, change: Change) -> None:
        match change:
            case CreateTable(table, columns):
                self.tables[table] = {column.name: column for column in columns}
            case AddColumn(table, column):
                self.tables.setdefault(table, {})[column.name] = column
            case ModifyColumn(table, old_name, column):
                self.tables.setdefault(table, {}).pop(old_name, None)
                self.tables[table][column.name] = column


def problems(dialect: str, migrations: Sequence[Migration]) -> list[str]:
    """What is wrong with the files of one dialect, each with its place and remedy."""
    found: list[str] = []
    schema = _Schema()
    for migration in migrations:
        where = f"{dialect}/{migration.name}"
        found += [f"{where}: {problem}" for problem in _promise(migration)]
        try:
            script = statements(migration.sql)
        except UnfinishedStatement as error:
            found.append(f"{where}: {error}")
            continue
        expands = migration.number > 1 and migration.works_from < migration.number
        fresh: set[str] = set()
        for position, statement in enumerate(script, start=1):
            for change in changes(statement):
                wrong = _form(dialect, change, statement)
                if not wrong and expands and change.table not in fresh:
                    wrong = _stumble(change, schema)
                if wrong:
                    found.append(f"{where}, statement {position}: {wrong}")
                if isinstance(change, CreateTable):
                    fresh.add(change.table)
                schema.take(change)
    return found


def disagreements(one: Sequence[Migration], other: Sequence[Migration]) -> list[str]:
    """Where the dialects' lists of files differ."""
    mine, theirs = ({(each.name, each.works_from) for each in files} for files in (one, other))
    return [
        f"{name}: every dialect needs a file of this name with the same promise to older code"
        for name in sorted({name for name, _ in mine ^ theirs})
    ]


def _promise(migration: Migration) -> list[str]:
    ends = bool(_ENDS_OLDER.search(migration.sql))
    if migration.number == 1:
        return []
    if migration.works_from > migration.number or migration.works_from < 1:
        return [f"works with code from {migration.works_from:04}, which is no earlier file"]
    if migration.works_from == migration.number and not ends:
        return [
            "says neither `-- Works with code from: NNNN` (the oldest schema number whose code may go on serving) nor "
            "`-- Ends older code: why`"
        ]
    if migration.works_from < migration.number and ends:
        return ["says both that older code works and that it ends"]
    return []


def _form(dialect: str, change: Change, statement: str) -> str:
    match change:
        case Other(text=text):
            return f"{text.split()[0]} is no change of a schema that is known here; write it as CREATE, ALTER, DROP or data"
        case CreateTable(table, options=options) if dialect == "mysql" and (
            "ENGINE=InnoDB" not in options or _COLLATION not in " ".join(statement.split())
        ):
            return f"table {table} needs ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 {_COLLATION}, so that texts compare by bytes"
    return ""


def _stumble(change: Change, schema: _Schema) -> str:
    """Why older code may stumble over the change; empty if it does not."""
    later = "do it in a later file that ends older code"
    match change:
        case Drop(table, what):
            return f"drops a {what.lower()} ({table}) that older code may use; {later}"
        case Rename(table):
            return f"renames something of {table} that older code uses; add the new one, and drop the old one later"
        case Data(table, "DELETE" | "TRUNCATE" as verb):
            return f"{verb} of rows of {table} that older code may read; {later}"
        case AddIndex(table, restricts=True):
            return f"a key or check of {table} that rows of older code may violate; {later}"
        case AddColumn(table, column):
            if column.required and not column.filled:
                return f"column {table}.{column.name} is NOT NULL without a DEFAULT, so older code cannot insert rows"
            if column.unique and column.filled:
                return f"column {table}.{column.name} is unique with a default, so older code can insert one row only"
        case ModifyColumn(table, old_name, column):
            return _modified(table, old_name, column, schema.column(table, old_name))
    return ""


def _modified(table: str, old_name: str, new: Column, old: Column | None) -> str:
    if old_name != new.name:
        return f"renames {table}.{old_name}; add the new column, and drop the old one later"
    if old is None:
        return f"changes {table}.{old_name}, which no file before has made"
    if new.required and not old.required:
        return f"{table}.{new.name} becomes NOT NULL, but older code may write NULL"
    if old.filled and not new.filled and new.required:
        return f"{table}.{new.name} loses its default, on which older code may rest"
    if not widens(old, new):
        return f"{table}.{new.name} becomes narrower or another kind ({_shown(old)} to {_shown(new)})"
    return ""


def widens(old: Column, new: Column) -> bool:
    """Whether every value of the old type is one of the new type."""
    one, other = (column.type.replace("INTEGER", "INT") for column in (old, new))
    if one == other:
        return new.size >= old.size
    for family in _FAMILIES:
        if one in family and other in family:
            if other in {"TINYTEXT", "TINYBLOB"} and 4 * old.size > _TINY:
                return False
            fits = new.size == 0 or new.size >= old.size
            return fits and family.index(other) > family.index(one)
    return False


def _shown(column: Column) -> str:
    return f"{column.type}({column.size})" if column.size else column.type


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0]) if arguments else sql_directory()
    try:
        files = {dialect: load(folder / dialect) for dialect in DIALECTS}
    except MigrationError as error:
        print(f"migrations: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    found = [problem for dialect, migrations in files.items() for problem in problems(dialect, migrations)]
    found += disagreements(*files.values())
    for problem in found:
        print(f"migrations: {problem}", file=sys.stderr)  # noqa: T201 - a command
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
