"""What nobody can see any more is deleted in the background: messages and files of conversations without members, and files
that have no use (services/store/file_cleanup.py).

The files go first: a crash in between leaves messages that nobody can see, and the next sweep finds them again. Several
replicas sweeping at once do no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial

from services.protocol.file_pb2 import DeleteFilesReq
from services.runtime.events import SEARCH, IndexEvent
from services.runtime.rpc import Clients, Unavailable
from services.store.file_cleanup import FileCleanup
from services.stores.batches import select_in
from services.stores.ports import Connection, Database, StoreError

logger = logging.getLogger(__name__)

INTERVAL = 600.0
"""Seconds between two sweeps."""

CHUNK = 500
"""Messages deleted in one transaction, conversations looked at in one read."""


class Cleanup:
    def __init__(
        self,
        database: Database,
        clients: Clients,
        clock: Callable[[], float],
        *,
        interval: float = INTERVAL,
        feeds_search: bool = False,
    ) -> None:
        self._database = database
        self._clients = clients
        self._clock = clock
        self._interval = interval
        self._files = FileCleanup(database, self._delete_files, clock)
        self._feeds_search = feeds_search
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="conversation-cleanup")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def sweep(self) -> int:
        """Deletes what is left of all abandoned conversations; returns how many messages. Raises StoreError, Unavailable."""
        deleted = 0
        after = ""
        while True:
            names = await self._database.read(partial(_conversations, after=after))
            if not names:
                return deleted
            after = names[-1]
            for name in await self._database.read(partial(_abandoned, names=names)):
                deleted += await self._delete(name)

    async def sweep_files(self) -> int:
        """See services.store.file_cleanup."""
        return await self._files.sweep()

    async def _delete_files(self, file_ids: list[str]) -> None:
        if file_ids:
            answer = await self._clients.call("file", "DeleteFiles", DeleteFilesReq(file_id=file_ids), timeout=60.0)
            if not answer.success:
                raise Unavailable(answer.errmsg)

    async def _delete(self, chat_session_id: str) -> int:
        deleted = 0
        while True:
            rows = await self._database.read(partial(_next_messages, name=chat_session_id))
            if not rows:
                await self._database.write(partial(_forget, name=chat_session_id))
                return deleted
            files = [file_id for _, file_id, _ in rows if file_id]
            unused = await self._database.read(partial(_only_here, name=chat_session_id, files=files))
            await self._delete_files(unused)
            last = rows[-1][0]
            told = IndexEvent(tuple(message_id for _, _, message_id in rows))
            deleted += await self._database.write(
                partial(
                    _delete_messages,
                    name=chat_session_id,
                    last=last,
                    event=told if self._feeds_search else None,
                    now=int(self._clock() * 1000),
                ),
                concurrent=True,
            )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                deleted = await self.sweep()
                files = await self.sweep_files()
            except (StoreError, Unavailable) as error:
                logger.warning("what nobody can see could not be deleted now", extra={"error": str(error)})
            except Exception:
                logger.exception("what nobody can see could not be deleted")
            else:
                if deleted or files:
                    logger.info("what nobody can see was deleted", extra={"messages": deleted, "files": files})


def _conversations(connection: Connection, after: str) -> list[str]:
    """The next conversations that have messages, in order of their id: one step through the index for each."""
    names: list[str] = []
    while len(names) < CHUNK:
        rows = connection.execute(
            "SELECT session_id FROM message WHERE session_id > ? ORDER BY session_id LIMIT 1", [after]
        )
        if not rows:
            break
        after = str(rows[0][0])
        names.append(after)
    return names


def _abandoned(connection: Connection, names: list[str]) -> list[str]:
    rows = select_in(
        connection, "SELECT DISTINCT chat_session_id FROM chat_session_member WHERE chat_session_id IN ({})", names
    )
    inhabited = {row[0] for row in rows}
    return [name for name in names if name not in inhabited]


def _next_messages(connection: Connection, name: str) -> list[tuple[int, str | None, str]]:
    rows = connection.execute(
        "SELECT seq, file_id, message_id FROM message WHERE session_id = ? ORDER BY seq LIMIT ?", [name, CHUNK]
    )
    return [(int(seq), file_id, str(message_id)) for seq, file_id, message_id in rows]


def _only_here(connection: Connection, name: str, files: list[str]) -> list[str]:
    """The files that no message of another conversation names."""
    elsewhere = select_in(
        connection, "SELECT file_id FROM message WHERE session_id <> ? AND file_id IN ({})", files, before=[name]
    )
    used = {row[0] for row in elsewhere}
    return [file_id for file_id in dict.fromkeys(files) if file_id not in used]


def _delete_messages(connection: Connection, name: str, last: int, event: IndexEvent | None, now: int) -> int:
    if event is not None:
        connection.insert_many("outbox", ("topic", "event", "created_at"), [(SEARCH, event.encode(), now)])
    return connection.change("DELETE FROM message WHERE session_id = ? AND seq <= ?", [name, last])


def _forget(connection: Connection, name: str) -> None:
    connection.change(
        "DELETE FROM chat_session WHERE chat_session_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM chat_session_member WHERE chat_session_id = ?)",
        [name, name],
    )
