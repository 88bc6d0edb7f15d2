"""Login sessions: who a token belongs to, for how long, and how that ends.

The database is the truth and holds the SHA-256 of each token only. The cache in front of it may be away. An entry lives as long
as somebody asks for it, which a gateway does for every connection it has: so when thousands come back at once, the
database is not asked for any of them. An entry is written only where there is none, or in place of the one that was read, and a revoked
session leaves a tombstone: so no reader that was under way can bring a revoked session back.

The row of a revoked session stays until everybody was told, so that neither a process that dies nor a cache or a gateway that was
away makes the revocation be forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter

from services.runtime.push import session_key
from services.stores.ports import Cache, Connection, Database, StoreError

log = logging.getLogger(__name__)

_PREFIX = "session:"
CACHED_FOR = 1200.0
"""Seconds without a question, twice the interval at which a gateway asks for an open connection's session."""
_TOMBSTONE_FOR = CACHED_FOR
_TOMBSTONE = b"-"
_RETRY = 1.0
"""Seconds between two attempts to write what the cache did not take."""
_LONGEST_TOKEN = 256
_REVOKED = 0
"""In the place of the time at which a session expires."""
_MOST_TOLD = 5000
"""Revocations that are told again at once."""


@dataclass(frozen=True)
class LoginSession:
    user_id: str
    expires_at: int
    """Unix seconds."""


class LoginSessions:
    """`lifetime` in seconds counts from the last use; it is written down at most once per `renew_after`."""

    def __init__(
        self,
        database: Database,
        cache: Cache,
        clock: Callable[[], float],
        lifetime: float,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._database = database
        self._cache = cache
        self._clock = clock
        self._lifetime = lifetime
        self.renew_after = min(3600.0, lifetime / 4)
        self._untold: set[str] = set()
        self._telling: asyncio.Task[None] | None = None
        self._told: set[str] = set()
        """Revoked sessions of which the last `tell_again` told."""
        lookups = Counter(
            "chatsystem_user_session_lookups_total",
            "Login sessions that were looked up, by where the answer came from (cache, database).",
            ["source"],
            registry=registry,
        )
        self._from_cache, self._from_database = lookups.labels("cache"), lookups.labels("database")

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
        if key in self._untold:
            return None
        cached = await self._cached(key)
        known = None if cached in {None, _TOMBSTONE} else _decode(cached or b"")
        if cached == _TOMBSTONE or (known is not None and known.expires_at <= self._clock()):
            self._from_cache.inc()
            return None
        if known is not None and not self._is_renewal_due(known.expires_at):
            self._from_cache.inc()
            return known
        self._from_database.inc()
        try:
            session = await self._load(key)
        except StoreError:
            if known is None:
                raise
            return known  # its renewal can wait
        if session is not None:
            await self._remember(key, session, cached)
        return session

    async def revoke(self, keys: Sequence[str]) -> None:
        """Makes the cache forget sessions that have ended. `keys` are session keys. While the cache is away, that is
        done in the background."""
        self._untold |= set(keys)
        try:
            await self._tell()
        except StoreError as error:
            log.warning("revoked login sessions stay usable until the cache is back: %s", error)
            if self._telling is None:
                self._telling = asyncio.create_task(self._tell_later(), name="revocations for the cache")

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self) -> None:
        for key in list(self._untold):
            await self._cache.set(_PREFIX + key, _TOMBSTONE, ttl=_TOMBSTONE_FOR)
            self._untold.discard(key)

    async def _tell_later(self) -> None:
        while self._untold:
            await asyncio.sleep(_RETRY)
            with contextlib.suppress(StoreError):
                await self._tell()
        self._telling = None

    async def sweep(self) -> int:
        """Deletes expired rows and returns how many."""
        now = int(self._clock() * 1000)
        return await self._database.write(
            lambda connection: connection.change(
                "DELETE FROM login_session WHERE expires_at > ? AND expires_at <= ?", (_REVOKED, now)
            ),
            concurrent=True,
        )

    async def tell_again(self) -> list[str]:
        """Tells the cache of the revoked sessions that still have a row, and returns their keys, for the gateways. Of what it had told
        the last time the rows are deleted. Raises StoreError."""
        keys = await self._database.read(_revoked)
        for key in keys:
            await self._cache.set(_PREFIX + key, _TOMBSTONE, ttl=_TOMBSTONE_FOR)
        if twice := [key for key in keys if key in self._told]:
            await self._database.write(lambda connection: _forget(connection, twice), concurrent=True)
        self._told = set(keys)
        return keys

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
        if self._is_renewal_due(expires_at / 1000):
            still_there = await self._database.write(
                lambda connection: connection.change(
                    "UPDATE login_session SET expires_at = ? WHERE token_hash = ? AND expires_at > ?",
                    (renewed, key, _REVOKED),
                ),
                concurrent=True,
            )
            if not still_there:
                return None
            expires_at = renewed
        return LoginSession(user_id, expires_at // 1000)

    async def _cached(self, key: str) -> bytes | None:
        try:
            return await self._cache.get(_PREFIX + key, extend=CACHED_FOR)
        except StoreError:
            return None

    async def _remember(self, key: str, session: LoginSession, cached: bytes | None) -> None:
        """`cached` is what the cache had, if anything."""
        entry = f"{session.user_id} {session.expires_at}".encode()
        with contextlib.suppress(StoreError):
            if cached is None:
                await self._cache.set(_PREFIX + key, entry, ttl=CACHED_FOR, only_new=True)
            else:
                await self._cache.replace(_PREFIX + key, cached, entry, ttl=CACHED_FOR)

    def _is_renewal_due(self, expires_at: float) -> bool:
        return self._clock() + self._lifetime - expires_at >= self.renew_after


def _decode(entry: bytes) -> LoginSession:
    user_id, _, expires_at = entry.decode().rpartition(" ")
    return LoginSession(user_id, int(expires_at))


def keys_of(connection: Connection, user_id: str) -> list[str]:
    """The session keys of all sessions of a user."""
    rows = connection.execute(
        "SELECT token_hash FROM login_session WHERE user_id = ? AND expires_at > ?", (user_id, _REVOKED)
    )
    return [row[0] for row in rows]


def end(connection: Connection, user_id: str, keys: Sequence[str]) -> None:
    """Ends these sessions of the user: from the commit on they are revoked. See `LoginSessions.revoke`."""
    for key in keys:
        connection.change(
            "UPDATE login_session SET expires_at = ? WHERE token_hash = ? AND user_id = ?", (_REVOKED, key, user_id)
        )


def _revoked(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT token_hash FROM login_session WHERE expires_at = ? LIMIT ?", (_REVOKED, _MOST_TOLD)
    )
    return [row[0] for row in rows]


def _forget(connection: Connection, keys: Sequence[str]) -> None:
    for key in keys:
        connection.change("DELETE FROM login_session WHERE token_hash = ? AND expires_at = ?", (key, _REVOKED))
