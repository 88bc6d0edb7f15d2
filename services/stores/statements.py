"""The statements of a migration file. Pure."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*(?![!M]).*?\*/)"
    r"|(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`)"
    r"|(?P<end>;)"
    r"|(?P<other>.)",
    re.DOTALL,
)


class UnfinishedStatement(ValueError):
    """The last statement of the file does not end with a semicolon."""


def statements(sql: str) -> list[str]:
    """Each statement without its semicolon and comments; comments that a server executes (`/*!`, `/*M!`) stay.
    Raises UnfinishedStatement."""
    found: list[str] = []
    pieces: list[str] = []
    for match in _TOKEN.finditer(sql):
        if match["comment"]:
            pieces.append(" ")
        elif match["end"]:
            found.append(_tidy(pieces))
            pieces = []
        else:
            pieces.append(match[0])
    if _tidy(pieces):
        raise UnfinishedStatement("the last statement of the migration does not end with a semicolon")
    return [statement for statement in found if statement]


def _tidy(pieces: list[str]) -> str:
    lines = (line.rstrip() for line in "".join(pieces).splitlines())
    return "\n".join(line for line in lines if line.strip()).strip()
