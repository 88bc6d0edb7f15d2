"""Statements with their values in them: the text protocol, which PyMySQL speaks, has no parameters. Pure.

A value becomes a literal that cannot end early whatever it holds: the connection's character set is UTF-8 (utf8mb4) and its
SQL mode has backslash escapes, both pinned when it is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_ESCAPES = str.maketrans({"\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", '"': '\\"', "'": "\\'", "\\": "\\\\"})
_NEEDS_ESCAPES = re.compile("[\0\n\r\x1a\"'\\\\]").search
"""Most texts do not, and to see that takes a fraction of the time of escaping them."""

LARGEST_STATEMENT = 1_000_000
"""Characters of one INSERT of many rows, about. Servers take 16 MB and more at a time."""


def literal(value: Any) -> str:
    """Raises TypeError for what is no value of a column of ours."""
    kind = type(value)
    if kind is str:
        return f"'{value.translate(_ESCAPES)}'" if _NEEDS_ESCAPES(value) else f"'{value}'"
    if kind is int:
        return str(value)
    if value is None:
        return "NULL"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"x'{bytes(value).hex()}'"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        return literal(str(value))
    if isinstance(value, float):
        return repr(value)
    raise TypeError(f"{type(value).__name__} is no type of a column")


@lru_cache(maxsize=1024)
def _parts(sql: str) -> list[str]:
    return sql.split("?")


def filled(sql: str, parameters: Sequence[Any]) -> str:
    """The statement with each `?` replaced. Raises ValueError for a wrong number of parameters, TypeError."""
    parts = _parts(sql)
    if len(parts) != len(parameters) + 1:
        raise ValueError(f"the statement has {len(parts) - 1} parameters, {len(parameters)} were given")
    if not parameters:
        return sql
    pieces = [parts[0]]
    for value, part in zip(parameters, parts[1:], strict=True):
        pieces.append(literal(value))
        pieces.append(part)
    return "".join(pieces)


def inserts(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """As few INSERT statements for the rows as their size allows; the rows stay in order."""
    head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of our own schema
    pieces: list[str] = []
    size = 0
    for row in rows:
        piece = f"({','.join(map(literal, row))})"
        if pieces and size + len(piece) > LARGEST_STATEMENT:
            yield head + ",".join(pieces)
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece)
    if pieces:
        yield head + ",".join(pieces)
