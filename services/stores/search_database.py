"""The Search port on the database itself: every search looks at the rows, so it never lags and needs no events.

A search may read very many rows, so only half of what the database can do at once is for searches; others wait for their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.stores.folding import fold
from services.stores.ports import Connection, Database, MessageHit, StoreError
from services.stores.search_pages import MESSAGES, USERS, position, token

T = TypeVar("T")

_MOST_WAITING = 256
"""Searches that wait for their turn."""


class DatabaseSearch:
    """See services.stores.ports.Search. Pages go by key, so rows that arrive in between neither shift nor repeat any."""

    needs_events = False
    projection = None

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(max(1, database.long_reads // 2))
        self._waiting = 0

    async def messages(
        self, key: str, chat_session_ids: Sequence[str], *, limit: int, before: str = ""
    ) -> tuple[list[MessageHit], str]:
        _, last = position(MESSAGES, before) if before else (0, 2**63 - 1)
        sought = fold(key)
        if not sought or not chat_session_ids or limit < 1:
            return [], ""

        def search(connection: Connection) -> tuple[list[MessageHit], str]:
            # Without an index for substrings the rows of the named conversations have to be read; no others are.
            contains = connection.dialect.contains("coalesce(search_text, transcript, content)")
            among = connection.dialect.placeholders(len(chat_session_ids))
            rows = connection.execute(
                f"SELECT session_id, seq, id FROM message WHERE session_id IN ({among}) AND id < ? AND {contains}"  # noqa: S608
                " ORDER BY id DESC LIMIT ?",
                (*chat_session_ids, last, sought, limit + 1),
            )
            page = rows[:limit]
            following = token(MESSAGES, 0, page[-1][2]) if len(rows) > limit else ""
            return [MessageHit(row[0], row[1]) for row in page], following

        return await self._read(search)

    async def users(self, key: str, *, exclude: Sequence[str], limit: int, after: str = "") -> tuple[list[str], str]:
        rank, last = position(USERS, after) if after else (0, 0)
        sought = fold(key)
        if not sought or limit < 1:
            return [], ""

        def search(connection: Connection) -> tuple[list[str], str]:
            but = f"AND user_id NOT IN ({connection.dialect.placeholders(len(exclude))})" if exclude else ""
            contains = connection.dialect.contains("nickname_folded")
            rows = connection.execute(
                "SELECT user_id, kind, id FROM (SELECT user_id, id,"  # noqa: S608
                " CASE WHEN phone = ? OR user_id = ? THEN 0 ELSE 1 END AS kind FROM user"
                f" WHERE (phone = ? OR user_id = ? OR {contains}) {but}) AS found"
                " WHERE kind > ? OR (kind = ? AND id > ?) ORDER BY kind, id LIMIT ?",
                (key, key, key, key, sought, *exclude, rank, rank, last, limit + 1),
            )
            page = rows[:limit]
            following = token(USERS, page[-1][1], page[-1][2]) if len(rows) > limit else ""
            return [row[0] for row in page], following

        return await self._read(search)

    async def _read(self, search: Callable[[Connection], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise StoreError(f"the database is overloaded: {self._waiting} searches are waiting")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._database.read(search)
        finally:
            self._turns.release()

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        """The database is closed by whoever opened it."""
