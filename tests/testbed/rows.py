"""Rows for tests of databases: works that write one, and that look at those written."""

from __future__ import annotations

from collections.abc import Callable

from services.stores.ports import Connection


def put(name: str, value: str = "v") -> Callable[[Connection], int]:
    """A work that writes one row."""
    return lambda connection: connection.change("INSERT INTO setting (name, value) VALUES (?, ?)", (name, value))


def names(connection: Connection) -> set[str]:
    """The names of the rows that `put` wrote."""
    return {row[0] for row in connection.execute("SELECT name FROM setting")} - {"epoch"}
