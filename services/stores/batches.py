"""Statements over many values at once.

Where a database prepares statements, the number of values is padded to a power of two by repeating the last one: it then sees
a handful of statement texts instead of one per batch size, and prepares each of them once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from services.stores.ports import Connection, Row

V = TypeVar("V")

MAX_VALUES = 256


def parts(connection: Connection, values: Sequence[V], largest: int = MAX_VALUES) -> Iterator[list[V]]:
    """The values in lists of at most `largest` elements; where statements are prepared of 1, 2, 4 … elements, the last list
    filled up with its last value."""
    for start in range(0, len(values), largest):
        part = list(values[start : start + largest])
        if connection.dialect.prepares:
            size = 1 << (len(part) - 1).bit_length()
            part.extend([part[-1]] * (size - len(part)))
        yield part


def select_in(connection: Connection, sql: str, values: Sequence[Any], before: Sequence[Any] = ()) -> list[Row]:
    """All rows of `sql`, in which `{}` stands in an IN list for the values. `before` are the parameters in front of it.

    The rows of one value come together; across values there is no order.
    """
    rows: list[Row] = []
    for part in parts(connection, values):
        rows += connection.execute(sql.replace("{}", connection.dialect.placeholders(len(part))), [*before, *part])
    return rows


def select_any(
    connection: Connection, sql: str, condition: str, tuples: Sequence[Sequence[Any]], largest: int = MAX_VALUES
) -> list[Row]:
    """All rows of `sql`, in which `{}` stands for the condition that at least one of `tuples` satisfies `condition`.

    `condition` has as many parameters as a tuple has values and must be answered by an index.
    """
    rows: list[Row] = []
    for part in parts(connection, tuples, largest):
        text = sql.replace("{}", " OR ".join([f"({condition})"] * len(part)))
        rows += connection.execute(text, [value for values in part for value in values])
    return rows


def upsert_many(  # noqa: PLR0917 - the arguments of Dialect.upsert and the rows
    connection: Connection,
    table: str,
    columns: Sequence[str],
    key: Sequence[str],
    update: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Inserts all rows; where `key` already exists, sets the columns `update` to the new values."""
    single = f"({connection.dialect.placeholders(len(columns))})"
    before, found, after = connection.dialect.upsert(table, columns, key, update).partition(f"VALUES {single}")
    for part in parts(connection, rows) if found else [[row] for row in rows]:
        text = f"{before}VALUES {', '.join([single] * len(part))}{after}" if found else before
        connection.change(text, [value for row in part for value in row])
