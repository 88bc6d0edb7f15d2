"""Login sessions: who a token belongs to, for how long, and how that ends.

The database is the truth and holds the SHA-256 of each token only. The cache in front of it saves a query per request and
may be away. An entry lives for a few minutes, is written only where there is none, and a revoked session leaves a
tombstone that outlives every entry: so no reader that was under way can bring a revoked session back.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.runtime.push import session_key
from services.stores.ports import Cache, Connection, Database, StoreError

log = logging.getLogger(__name__)

_PREFIX = "session:"
_CACHED_FOR = 120.0
_TOMBSTONE_FOR = 600.0
_TOMBSTONE = b"-"
_LONGEST_TOKEN = 256


@dataclass(frozen=True)
class LoginSession:
    user_id: str
    expires_at: int
    """Unix seconds."""


class LoginSessions:
    """`lifetime` in seconds counts from the last use; it is written down at most once per `renew_after`."""

    def __init__(self, database: Database, cache: Cache, clock: Callable[[], float], lifetime: float) -> None:
        self._database = database
        self._cache = cache
        self._clock = clock
        self._lifetime = lifetime
        self.renew_after = min(3600.0, lifetime / 4)

    def open(self, connection: Connection, user_id: str) -> str:
        """Writes a new session within the caller's transaction and returns its token."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        connection.change(
            "INSERT INTO login_session (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
            (session_key(token), user_id, int(now * 1000), int((now + self._lifetime) * 1000)),
        )
        return token

    async def find(self, token: str) -> LoginSession | None:
        """The session of a token, renewed if it is time; None when it is unknown, expired or revoked."""
        if not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        key = session_key(token)
        cached = await self._cached(key)
        if cached == _TOMBSTONE:
            return None
        if cached is not None:
            user_id, _, expires_at = cached.decode().rpartition(" ")
            return LoginSession(user_id, int(expires_at)) if int(expires_at) > self._clock() else None
        session = await self._load(key)
        if session is not None:
            await self._remember(key, session)
        return session

    async def revoke(self, keys: Sequence[str]) -> None:
        """Makes the cache forget sessions whose rows are gone. `keys` are session keys."""
        for key in keys:
            try:
                await self._cache.set(_PREFIX + key, _TOMBSTONE, ttl=_TOMBSTONE_FOR)
            except StoreError as error:
                log.warning(
                    "a revoked login session may stay usable for %d s, the cache is away: %s", _CACHED_FOR, error
                )
                return

    async def sweep(self) -> int:
        """Deletes expired rows and returns how many."""
        now = int(self._clock() * 1000)
        return await self._database.write(
            lambda connection: connection.change("DELETE FROM login_session WHERE expires_at <= ?", (now,)),
            concurrent=True,
        )

    async def _load(self, key: str) -> LoginSession | None:
        now = self._clock()
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT user_id, expires_at FROM login_session WHERE token_hash = ?", (key,)
            )
        )
        if not rows or rows[0][1] <= now * 1000:
            return None
        user_id, expires_at = rows[0]
        renewed = int((now + self._lifetime) * 1000)
        if renewed - expires_at >= self.renew_after * 1000:
            still_there = await self._database.write(
                lambda connection: connection.change(
                    "UPDATE login_session SET expires_at = ? WHERE token_hash = ?", (renewed, key)
                ),
                concurrent=True,
            )
            if not still_there:
                return None
            expires_at = renewed
        return LoginSession(user_id, expires_at // 1000)

    async def _cached(self, key: str) -> bytes | None:
        try:
            return await self._cache.get(_PREFIX + key)
        except StoreError:
            return None

    async def _remember(self, key: str, session: LoginSession) -> None:
        try:
            await self._cache.set(
                _PREFIX + key,
                f"{session.user_id} {session.expires_at}".encode(),
                ttl=max(1.0, min(_CACHED_FOR, session.expires_at - self._clock())),
                only_new=True,
            )
        except StoreError:
            return


def keys_of(connection: Connection, user_id: str) -> list[str]:
    """The session keys of all sessions of a user."""
    return [row[0] for row in connection.execute("SELECT token_hash FROM login_session WHERE user_id = ?", (user_id,))]


def delete(connection: Connection, user_id: str, keys: Sequence[str]) -> None:
    """Deletes these sessions of the user."""
    for key in keys:
        connection.change("DELETE FROM login_session WHERE token_hash = ? AND user_id = ?", (key, user_id))
