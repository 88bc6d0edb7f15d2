"""The rows of table file, and who may read a file. Functions of one database connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.stores.ports import Connection

_COLUMNS = "file_id, user_id, file_name, file_size, sha256"
_IN_LIST = 500


@dataclass(frozen=True)
class FileRecord:
    file_id: str
    user_id: str
    """Who stored it."""
    file_name: str
    file_size: int
    """Bytes, counted here."""
    sha256: str


def insert(connection: Connection, record: FileRecord, request_id: str | None, now: float) -> None:
    """Raises UniqueViolation when this user and request have a file already."""
    connection.change(
        "INSERT INTO file (file_id, user_id, request_id, file_name, file_size, sha256, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.file_id,
            record.user_id,
            request_id,
            record.file_name,
            record.file_size,
            record.sha256,
            int(now * 1000),
        ),
    )


def by_request(connection: Connection, user_id: str, request_id: str) -> FileRecord | None:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM file WHERE user_id = ? AND request_id = ?",  # noqa: S608
        (user_id, request_id),
    )
    return FileRecord(*rows[0]) if rows else None


def by_ids(connection: Connection, file_ids: Sequence[str]) -> list[FileRecord]:
    """The files that exist, in no particular order."""
    found: list[FileRecord] = []
    for start in range(0, len(file_ids), _IN_LIST):
        part = file_ids[start : start + _IN_LIST]
        marks = connection.dialect.placeholders(len(part))
        rows = connection.execute(f"SELECT {_COLUMNS} FROM file WHERE file_id IN ({marks})", part)  # noqa: S608
        found += [FileRecord(*row) for row in rows]
    return found


def readable(connection: Connection, user_id: str, file_ids: Sequence[str]) -> list[FileRecord]:
    """Those of the files that the user stored, or that a message in one of the user's conversations carries."""
    return [
        record
        for record in by_ids(connection, file_ids)
        if record.user_id == user_id
        or connection.execute(
            "SELECT 1 FROM message m JOIN chat_session_member c ON c.chat_session_id = m.session_id"
            " WHERE m.file_id = ? AND c.user_id = ? LIMIT 1",
            (record.file_id, user_id),
        )
    ]


def delete(connection: Connection, file_ids: Sequence[str]) -> None:
    for file_id in file_ids:
        connection.change("DELETE FROM file WHERE file_id = ?", (file_id,))
