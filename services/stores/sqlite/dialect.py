"""SQLite's side of the few places where SQLite and MySQL differ. Pure: fragments of SQL text, nothing else."""

from __future__ import annotations

from collections.abc import Sequence


class SqliteDialect:
    """See services.stores.ports.Dialect."""

    name = "sqlite"
    prepares = True
    for_update = ""

    def insert_ignore(self, table: str, columns: Sequence[str]) -> str:
        return f"{self._insert(table, columns)} ON CONFLICT DO NOTHING"

    def upsert(self, table: str, columns: Sequence[str], key: Sequence[str], update: Sequence[str]) -> str:
        sets = ", ".join(f"{column} = excluded.{column}" for column in update)
        return f"{self._insert(table, columns)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"

    def placeholders(self, count: int) -> str:
        return ", ".join("?" * count)

    def contains(self, column: str) -> str:
        return f"instr({column}, ?) > 0"

    def _insert(self, table: str, columns: Sequence[str]) -> str:
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({self.placeholders(len(columns))})"  # noqa: S608 - names of our own schema
