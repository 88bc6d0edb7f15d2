"""Files that nobody can see any more: stored for a message which then was not (its sender was refused, or never tried again after
a failure), or a picture of a person that another one replaced while a crash kept it from being deleted.

Each file is looked at once, when it is a day old: by then it is named, or never will be. How far that went is kept in the
database. A picture that was left behind is found with the picture that replaced it, which is the younger one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.stores.batches import select_in
from services.stores.ports import Connection, Database
from services.transmit.attachments import REQUEST_PREFIX
from services.user.accounts import AVATAR_PREFIX

ORPHAN_AGE = 86_400.0
"""Seconds for which the file of a message that does not exist is kept: so long its sender may try again."""
OVERLAP = 3600.0
"""Seconds that are looked at again: the clocks of the processes that store files differ."""
CHUNK = 500
"""Files looked at in one read."""
_EXAMINED = "files_examined_until"
"""Name of the setting: Unix milliseconds."""


@dataclass(frozen=True)
class _File:
    created_at: int
    number: int
    file_id: str
    user_id: str
    request_id: str


class FileCleanup:
    """`delete` removes files by their ids."""

    def __init__(
        self, database: Database, delete: Callable[[list[str]], Awaitable[None]], clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._delete = delete
        self._clock = clock

    async def sweep(self) -> int:
        """Deletes what has become old enough since the last sweep and has no use; returns how many. Raises StoreError,
        Unavailable; the next sweep then begins where this one began."""
        deleted = 0
        before = int((self._clock() - ORPHAN_AGE) * 1000)
        examined = await self._database.read(_examined_until)
        place = max(0, examined - int(OVERLAP * 1000)), 0
        while True:
            files = await self._database.read(partial(_next_files, place=place, before=before))
            if not files:
                break
            place = files[-1].created_at, files[-1].number
            orphans = await self._database.read(partial(_orphans, files=files, before=before))
            if orphans:
                await self._delete(orphans)
                deleted += len(orphans)
        if before > examined:
            await self._database.write(partial(_remember, until=before))
        return deleted


def _examined_until(connection: Connection) -> int:
    rows = connection.execute("SELECT value FROM setting WHERE name = ?", [_EXAMINED])
    return int(rows[0][0]) if rows else 0


def _remember(connection: Connection, until: int) -> None:
    connection.change(connection.dialect.insert_ignore("setting", ("name", "value")), [_EXAMINED, "0"])
    connection.change("UPDATE setting SET value = ? WHERE name = ?", [str(until), _EXAMINED])


def _next_files(connection: Connection, place: tuple[int, int], before: int) -> list[_File]:
    """The next files for messages and pictures of people from a time until another one, in order of their age."""
    created_at, number = place
    rows = connection.execute(
        "SELECT created_at, id, file_id, user_id, request_id FROM file"
        " WHERE created_at >= ? AND created_at < ? AND (created_at > ? OR id > ?)"
        " AND (request_id LIKE ? OR request_id LIKE ?) ORDER BY created_at, id LIMIT ?",
        [created_at, before, created_at, number, f"{REQUEST_PREFIX}%", f"{AVATAR_PREFIX}%", CHUNK],
    )
    return [_File(int(row[0]), int(row[1]), str(row[2]), str(row[3]), str(row[4])) for row in rows]


def _orphans(connection: Connection, files: Sequence[_File], before: int) -> list[str]:
    sent = [file.file_id for file in files if file.request_id.startswith(REQUEST_PREFIX)]
    owners = {file.user_id for file in files if file.request_id.startswith(AVATAR_PREFIX)}
    return _unnamed(connection, sent) + _replaced(connection, sorted(owners), before)


def _unnamed(connection: Connection, files: list[str]) -> list[str]:
    """The files that no message names."""
    named = {row[0] for row in select_in(connection, "SELECT file_id FROM message WHERE file_id IN ({})", files)}
    return [file_id for file_id in files if file_id not in named]


def _replaced(connection: Connection, owners: list[str], before: int) -> list[str]:
    """The pictures of these people that are not the present ones. A younger one may be about to become it."""
    present = {row[0] for row in select_in(connection, "SELECT avatar_id FROM user WHERE user_id IN ({})", owners)}
    kept = select_in(
        connection,
        "SELECT file_id FROM file WHERE created_at < ? AND request_id LIKE ? AND user_id IN ({})",
        owners,
        before=[before, f"{AVATAR_PREFIX}%"],
    )
    return [str(row[0]) for row in kept if row[0] not in present]
