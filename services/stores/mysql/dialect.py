"""MySQL's and MariaDB's side of the few places where the databases differ. Pure: fragments of SQL text, nothing else.

Only what the two servers share is used: MariaDB does not know row aliases (`AS new`), so an upsert says `VALUES(column)`.
"""

from __future__ import annotations

from collections.abc import Sequence

INSERT_IGNORE = "INSERT IGNORE INTO "
"""Turns any fault of a row into a warning; the connection looks at those, so that only duplicates are passed over."""


class MysqlDialect:
    """See services.stores.ports.Dialect."""

    name = "mysql"
    prepares = False
    for_update = " FOR UPDATE"

    def insert_ignore(self, table: str, columns: Sequence[str]) -> str:
        return f"{INSERT_IGNORE}{self._row(table, columns)}"

    def upsert(self, table: str, columns: Sequence[str], key: Sequence[str], update: Sequence[str]) -> str:
        # Any unique key of the table counts, not only `key`; the tables of this schema make no difference there.
        sets = ", ".join(f"{column} = VALUES({column})" for column in update)
        return f"INSERT INTO {self._row(table, columns)} ON DUPLICATE KEY UPDATE {sets}"

    def placeholders(self, count: int) -> str:
        return ", ".join("?" * count)

    def contains(self, column: str) -> str:
        # As bytes: exact whatever the collation, and UTF-8 has no character that begins inside another one.
        return f"instr(CAST({column} AS BINARY), CAST(? AS BINARY)) > 0"

    def _row(self, table: str, columns: Sequence[str]) -> str:
        return f"{table} ({', '.join(columns)}) VALUES ({self.placeholders(len(columns))})"
