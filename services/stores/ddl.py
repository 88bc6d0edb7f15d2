"""What a statement of a migration changes: a small reader of CREATE, ALTER, DROP and their kind. Pure.

It knows the forms that migrations use, of SQLite and of MySQL. A statement that it does not know is `Other`, so that a rule
can ask for it to be written in a known form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"[`\"]?(\w+)[`\"]?"
_IF = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_CREATE_TABLE = re.compile(rf"CREATE\s+TABLE\s+{_IF}{_NAME}\s*\((.*)\)([^()]*)$", re.IGNORECASE | re.DOTALL)
_CREATE_INDEX = re.compile(rf"CREATE\s+(UNIQUE\s+)?INDEX\s+{_IF}{_NAME}\s+ON\s+{_NAME}\b", re.IGNORECASE)
_ALTER = re.compile(rf"ALTER\s+TABLE\s+{_NAME}\s+(.*)$", re.IGNORECASE | re.DOTALL)
_DROP = re.compile(rf"DROP\s+(TABLE|INDEX|VIEW|TRIGGER)\s+{_IF}{_NAME}(?:\s+ON\s+{_NAME})?", re.IGNORECASE)
_RENAME = re.compile(rf"RENAME\s+TABLE\s+{_NAME}", re.IGNORECASE)
_DATA = re.compile(
    rf"(INSERT|REPLACE|UPDATE|DELETE|TRUNCATE)\b(?:\s+(?:IGNORE|INTO|FROM|TABLE))*\s+{_NAME}", re.IGNORECASE
)
_COLUMN = re.compile(rf"{_NAME}\s+(\w+)\s*(?:\(\s*(\d+)[^)]*\))?(.*)$", re.DOTALL)
_KEY_WORDS = ("PRIMARY", "UNIQUE", "INDEX", "KEY", "CONSTRAINT", "FOREIGN", "CHECK", "FULLTEXT")


@dataclass(frozen=True)
class Column:
    """`size`: of VARCHAR and the like, 0 where there is none. `unique`: by a key of its own."""

    name: str
    type: str
    size: int
    required: bool
    filled: bool
    """Whether a row gets a value for it when none is given: a default, or counted up."""
    unique: bool


@dataclass(frozen=True)
class CreateTable:
    table: str
    columns: tuple[Column, ...]
    options: str


@dataclass(frozen=True)
class AddColumn:
    table: str
    column: Column


@dataclass(frozen=True)
class ModifyColumn:
    """`old_name` differs from the column's name where it is renamed."""

    table: str
    old_name: str
    column: Column


@dataclass(frozen=True)
class AddIndex:
    """`restricts`: it refuses rows (a unique key, a foreign key, a check)."""

    table: str
    restricts: bool


@dataclass(frozen=True)
class Drop:
    """`what`: table, column, index and so on, in capitals."""

    table: str
    what: str


@dataclass(frozen=True)
class Rename:
    table: str


@dataclass(frozen=True)
class Data:
    """`verb`: INSERT, UPDATE, DELETE, REPLACE or TRUNCATE."""

    table: str
    verb: str


@dataclass(frozen=True)
class Other:
    table: str
    text: str


Change = CreateTable | AddColumn | ModifyColumn | AddIndex | Drop | Rename | Data | Other


def changes(statement: str) -> list[Change]:
    """What one statement, without comments, does; several things where ALTER TABLE lists them."""
    text = " ".join(statement.split())
    if match := _CREATE_TABLE.match(text):
        items = [item for item in _split(match[2]) if item.split()[0].upper() not in _KEY_WORDS]
        return [CreateTable(match[1], tuple(_column(item) for item in items), match[3])]
    if match := _CREATE_INDEX.match(text):
        return [AddIndex(match[3], bool(match[1]))]
    if match := _DROP.match(text):
        return [Drop(match[3] or match[2], match[1].upper())]
    if match := _RENAME.match(text):
        return [Rename(match[1])]
    if match := _ALTER.match(text):
        return [_altered(match[1], action) for action in _split(match[2])]
    if match := _DATA.match(text):
        return [Data(match[2], match[1].upper())]
    return [Other("", text)]


def _altered(table: str, action: str) -> Change:
    words = [word.upper() for word in action.split()]
    rest = action.split(None, 1)[1] if len(words) > 1 else ""
    match words:
        case ["ADD", "UNIQUE" | "CONSTRAINT" | "FOREIGN" | "CHECK" | "PRIMARY", *_]:
            return AddIndex(table, restricts=True)
        case ["ADD", "INDEX" | "KEY" | "FULLTEXT", *_]:
            return AddIndex(table, restricts=False)
        case ["ADD", *_]:
            return AddColumn(table, _column(_without_word(rest)))
        case ["MODIFY", *_]:
            column = _column(_without_word(rest))
            return ModifyColumn(table, column.name, column)
        case ["CHANGE", *_]:
            old, new = _without_word(rest).split(None, 1)
            return ModifyColumn(table, old.strip('`"'), _column(new))
        case ["DROP", "INDEX" | "KEY" | "CONSTRAINT" | "PRIMARY" | "FOREIGN" | "CHECK", *_]:
            return Drop(table, words[1])
        case ["DROP", *_]:
            return Drop(table, "COLUMN")
        case ["RENAME", *_]:
            return Rename(table)
    return Other(table, action)


def _without_word(text: str) -> str:
    return re.sub(r"^COLUMN\s+", "", text, flags=re.IGNORECASE)


def _column(text: str) -> Column:
    match = _COLUMN.match(text.strip())
    if match is None:
        return Column(text.split(maxsplit=1)[0].strip('`"'), "", 0, False, False, False)
    rest = match[4].upper()
    required = "NOT NULL" in rest or "PRIMARY KEY" in rest
    filled = any(word in rest for word in ("DEFAULT", "AUTO_INCREMENT", "AUTOINCREMENT", "GENERATED"))
    unique = "UNIQUE" in rest or "PRIMARY KEY" in rest
    return Column(match[1], match[2].upper(), int(match[3] or 0), required, filled, unique)


def _split(text: str) -> list[str]:
    """At the commas that stand in no parentheses and no quotes."""
    pieces, depth, start, quote = [], 0, 0, ""
    for position, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and depth == 0:
            pieces.append(text[start:position].strip())
            start = position + 1
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]
