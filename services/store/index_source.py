"""The rows of the database that a search index holds, as its documents. Functions of one connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.stores.batches import select_in
from services.stores.ports import Connection, Row
from services.stores.projection import Document, message_document, message_mark, user_document

_TEXT = "coalesce(search_text, transcript, content)"
_MESSAGE = f"id, message_id, session_id, seq, {_TEXT}, transcript IS NOT NULL"
_USER = "id, user_id, nickname_folded, phone"


@dataclass(frozen=True)
class Marked:
    """A row without its text."""

    row: int
    id: str
    mark: int


class Source(Protocol):
    """One kind of rows. `numbered`: every change of a row gives its document a higher version."""

    numbered: bool

    def by_id(self, connection: Connection, ids: Sequence[str]) -> list[Document]:
        """The documents of those rows that are there and have a text."""
        ...

    def after(self, connection: Connection, row: int, limit: int) -> list[Document]:
        """The next documents in order of rows."""
        ...

    def marks_after(self, connection: Connection, row: int, limit: int) -> list[Marked]:
        """As `after`, without the texts."""
        ...

    def last(self, connection: Connection) -> int:
        """The number of the newest row, 0 if there is none."""
        ...


class Messages:
    """Messages with a text or a transcript."""

    numbered = True

    def by_id(self, connection: Connection, ids: Sequence[str]) -> list[Document]:
        rows = select_in(connection, f"SELECT {_MESSAGE} FROM message WHERE message_id IN ({{}})", ids)  # noqa: S608
        return [_message(row) for row in rows if row[4]]

    def after(self, connection: Connection, row: int, limit: int) -> list[Document]:
        return [
            _message(each)
            for each in connection.execute(
                f"SELECT {_MESSAGE} FROM message WHERE id > ? AND length({_TEXT}) > 0 ORDER BY id LIMIT ?",  # noqa: S608
                [row, limit],
            )
        ]

    def marks_after(self, connection: Connection, row: int, limit: int) -> list[Marked]:
        return [
            Marked(number, message_id, message_mark(message_id, transcribed=bool(transcribed)))
            for number, message_id, transcribed in connection.execute(
                f"SELECT id, message_id, transcript IS NOT NULL FROM message WHERE id > ? AND length({_TEXT}) > 0"  # noqa: S608
                " ORDER BY id LIMIT ?",
                [row, limit],
            )
        ]

    def last(self, connection: Connection) -> int:
        return _last(connection.execute("SELECT max(id) FROM message"))


class Users:
    """People, by nickname and phone number."""

    numbered = False

    def by_id(self, connection: Connection, ids: Sequence[str]) -> list[Document]:
        rows = select_in(connection, f"SELECT {_USER} FROM user WHERE user_id IN ({{}})", ids)  # noqa: S608
        return [user_document(*row) for row in rows]

    def after(self, connection: Connection, row: int, limit: int) -> list[Document]:
        return [
            user_document(*each)
            for each in connection.execute(
                f"SELECT {_USER} FROM user WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
                [row, limit],
            )
        ]

    def marks_after(self, connection: Connection, row: int, limit: int) -> list[Marked]:
        return [Marked(each.row, each.id, each.mark) for each in self.after(connection, row, limit)]

    def last(self, connection: Connection) -> int:
        return _last(connection.execute("SELECT max(id) FROM user"))


def _message(row: Row) -> Document:
    number, message_id, session_id, seq, text, transcribed = row
    return message_document(number, message_id, session_id, seq, text, bool(transcribed))


def _last(rows: Sequence[Row]) -> int:
    return int(rows[0][0] or 0)
