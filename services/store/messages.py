"""Reading messages from the database. Functions of one connection; no decisions about who may read.

Sequence numbers have no gaps and times never decrease along them (services/transmit/batch.py), so a time is found by
bisection over the index on (session_id, seq) and needs no index of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.stores.batches import select_any, select_in
from services.stores.ports import Connection

COLUMNS = (
    "message_id, session_id, seq, user_id, message_type, create_time, content, transcript, file_id, file_name, file_size,"
    " request_id"
)

MAX_BYTES = 24 * 2**20
"""Text in one answer, at most: what is longer comes in further answers."""

CHUNK = 250
"""Messages read at once: with texts of 64 KiB they are within MAX_BYTES."""


class MessageRow(NamedTuple):
    """A message as stored. `create_time` in Unix milliseconds."""

    message_id: str
    chat_session_id: str
    seq: int
    user_id: str
    message_type: int
    create_time: int
    content: str | None
    transcript: str | None
    file_id: str | None
    file_name: str | None
    file_size: int | None
    request_id: str | None

    @property
    def size(self) -> int:
        """Characters of text, for a bound on answers."""
        return len(self.content or "") + len(self.transcript or "")


class Standing(NamedTuple):
    """A conversation as one member sees it."""

    chat_session_id: str
    last_seq: int
    read_seq: int
    last_message_at: int

    @property
    def unread(self) -> int:
        return max(0, self.last_seq - self.read_seq)


class Span(NamedTuple):
    """Messages `first` to `last` of a conversation, both included."""

    chat_session_id: str
    first: int
    last: int


_STANDING = (
    "SELECT s.chat_session_id, s.last_seq, m.read_seq, s.last_message_at FROM chat_session_member m"
    " JOIN chat_session s ON s.chat_session_id = m.chat_session_id WHERE m.user_id = ?"
)


def standing(connection: Connection, chat_session_id: str, user_id: str) -> Standing | None:
    """None if the user is not a member, or there is no such conversation."""
    rows = connection.execute(f"{_STANDING} AND m.chat_session_id = ?", [user_id, chat_session_id])
    return Standing(*rows[0]) if rows else None


def standings(connection: Connection, user_id: str) -> list[Standing]:
    """All conversations of a user, the one with the latest message first."""
    return [
        Standing(*row)
        for row in connection.execute(f"{_STANDING} ORDER BY s.last_message_at DESC, s.id DESC", [user_id])
    ]


def newest(connection: Connection, span: Span, limit: int, *, max_bytes: int = MAX_BYTES) -> list[MessageRow]:
    """The last `limit` messages of a span, fewer if they are large; oldest first."""
    found: list[MessageRow] = []
    size = 0
    last = span.last
    while last >= span.first and len(found) < limit and size < max_bytes:
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM message WHERE session_id = ? AND seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?",  # noqa: S608
            [span.chat_session_id, span.first, last, min(CHUNK, limit - len(found))],
        )
        if not rows:
            break
        found += (MessageRow(*row) for row in rows)
        size += sum(row.size for row in found[-len(rows) :])
        last = found[-1].seq - 1
    found.reverse()
    return found


def of_spans(connection: Connection, spans: Sequence[Span]) -> Iterator[list[MessageRow]]:
    """The messages of several spans in order, at most CHUNK at a time, so that the reader can stop in between."""
    group: list[Span] = []
    count = 0
    for name, first, last in spans:
        for start in range(first, last + 1, CHUNK):
            piece = Span(name, start, min(last, start + CHUNK - 1))
            length = piece.last - piece.first + 1
            if count + length > CHUNK:
                yield _of_group(connection, group)
                group, count = [], 0
            group.append(piece)
            count += length
    if group:
        yield _of_group(connection, group)


def _of_group(connection: Connection, spans: Sequence[Span]) -> list[MessageRow]:
    sql = f"SELECT {COLUMNS} FROM message WHERE {{}}"  # noqa: S608
    rows = select_any(connection, sql, "session_id = ? AND seq BETWEEN ? AND ?", spans, largest=64)
    # A database may give the rows of a condition in any order, and a repeated condition may repeat them.
    unique = {(row[1], row[2]): MessageRow(*row) for row in rows}
    return [unique[key] for key in sorted(unique)]


def at_places(connection: Connection, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], MessageRow]:
    """The messages with these (conversation, sequence number); those that are gone are left out."""
    sql = f"SELECT {COLUMNS} FROM message WHERE {{}}"  # noqa: S608
    rows = select_any(connection, sql, "session_id = ? AND seq = ?", places, largest=64)
    return {(row[1], row[2]): MessageRow(*row) for row in rows}


def last_of(connection: Connection, chat_session_ids: Sequence[str]) -> dict[str, MessageRow]:
    """The newest message of each conversation that has one."""
    rows = select_in(
        connection,
        "SELECT chat_session_id, last_seq FROM chat_session WHERE last_seq > 0 AND chat_session_id IN ({})",
        list(dict.fromkeys(chat_session_ids)),
    )
    heads: dict[str, int] = {row[0]: row[1] for row in rows}
    found = at_places(connection, list(heads.items()))
    return {row.chat_session_id: row for row in found.values()}


def seq_at(connection: Connection, chat_session_id: str, last_seq: int, time: int) -> int:
    """The first sequence number whose message is of `time` (Unix milliseconds) or later; last_seq + 1 if there is none."""
    low, high = 1, last_seq + 1
    while low < high:
        middle = (low + high) // 2
        rows = connection.execute(
            "SELECT create_time FROM message WHERE session_id = ? AND seq = ?", [chat_session_id, middle]
        )
        if rows and rows[0][0] >= time:
            high = middle
        else:
            low = middle + 1
    return low
