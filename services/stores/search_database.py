"""The Search port on the database itself: every search looks at the rows, so it never lags and needs no events."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from services.stores.folding import fold
from services.stores.ports import Connection, Database, InvalidPage, MessageHit

_TOKEN = re.compile(r"([mu])(\d)\.(\d{1,18})")


class DatabaseSearch:
    """See services.stores.ports.Search. Pages go by key, so rows that arrive in between neither shift nor repeat any."""

    needs_events = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def messages(
        self, key: str, chat_session_ids: Sequence[str], *, limit: int, before: str = ""
    ) -> tuple[list[MessageHit], str]:
        _, last = _position("m", before) if before else (0, 2**63 - 1)
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
            token = _token("m", 0, page[-1][2]) if len(rows) > limit else ""
            return [MessageHit(row[0], row[1]) for row in page], token

        return await self._database.read(search)

    async def users(self, key: str, *, exclude: Sequence[str], limit: int, after: str = "") -> tuple[list[str], str]:
        rank, last = _position("u", after) if after else (0, 0)
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
            token = _token("u", page[-1][1], page[-1][2]) if len(rows) > limit else ""
            return [row[0] for row in page], token

        return await self._database.read(search)

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        """The database is closed by whoever opened it."""


def _token(what: str, rank: int, row_id: int) -> str:
    return base64.urlsafe_b64encode(f"{what}{rank}.{row_id}".encode()).decode().rstrip("=")


def _position(what: str, token: str) -> tuple[int, int]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise InvalidPage from error
    match = _TOKEN.fullmatch(text)
    if not match or match[1] != what:
        raise InvalidPage
    return int(match[2]), int(match[3])
