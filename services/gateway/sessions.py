"""Who a login session belongs to: asked of the user service once in a while, remembered in between.

A revocation is effective at once: it empties the memory and makes answers that are under way count for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.protocol.gateway_pb2 import DeliveryBatch
from services.protocol.user_pb2 import ValidateSessionReq, ValidateSessionRsp
from services.runtime.push import session_key

LIFETIME = 30.0
"""Seconds for which a valid session is not asked for again."""
REFUSAL_LIFETIME = 5.0
"""Seconds for which an unknown session is not asked for again."""
MAX_TOKEN = 256


@dataclass(frozen=True, slots=True)
class Session:
    key: str
    """The public name of the session (services.runtime.push.session_key)."""
    user_id: str
    token: str


class SessionCache:
    """`ask` is the user service's ValidateSession; `clock` Unix time in seconds. At most `capacity` sessions and a tenth of
    that of unknown ones are remembered."""

    def __init__(
        self,
        ask: Callable[[ValidateSessionReq], Awaitable[ValidateSessionRsp]],
        clock: Callable[[], float],
        *,
        capacity: int = 100_000,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._capacity = capacity
        self._valid: dict[str, tuple[Session, float]] = {}
        self._of_user: dict[str, set[str]] = {}
        self._unknown: dict[str, float] = {}
        self._asking: dict[str, asyncio.Future[Session | None]] = {}
        self._revocations = 0
        self._revoked: dict[str, int] = {}
        """Sessions and users revoked while questions were under way, with the number of the revocation."""

    async def validate(self, token: str) -> Session | None:
        """The session of a token, None if there is none. Raises Unavailable when the user service cannot be reached."""
        if not token or len(token) > MAX_TOKEN:
            return None
        key = session_key(token)
        entry = self._valid.get(key)
        now = self._clock()
        if entry is not None and entry[1] > now:
            return entry[0]
        if self._unknown.get(key, 0.0) > now:
            return None
        return await self.ask(token)

    async def ask(self, token: str) -> Session | None:
        """As `validate`, but by a fresh answer of the user service. Simultaneous questions for one token share it."""
        key = session_key(token)
        while True:
            asking = self._asking.get(key)
            if asking is None:
                asking = asyncio.ensure_future(self._find_out(key, token))
                self._asking[key] = asking
                asking.add_done_callback(lambda done: self._answered(key, done))
            session = await asyncio.shield(asking)
            if session is None or key in self._valid:
                return session
            # It was revoked before this asker had its turn.

    def apply(self, batch: DeliveryBatch) -> None:
        """Forgets what a batch revokes."""
        if not batch.revoked_session and not batch.revoked_user:
            return
        self._revocations += 1
        if self._asking:
            self._revoked.update(dict.fromkeys((*batch.revoked_session, *batch.revoked_user), self._revocations))
        for key in batch.revoked_session:
            self._forget(key)
        for user_id in batch.revoked_user:
            for key in list(self._of_user.get(user_id, ())):
                self._forget(key)

    def _forget(self, key: str) -> None:
        entry = self._valid.pop(key, None)
        if entry is not None:
            keys = self._of_user[entry[0].user_id]
            keys.discard(key)
            if not keys:
                del self._of_user[entry[0].user_id]

    def _answered(self, key: str, done: asyncio.Future[Session | None]) -> None:
        self._asking.pop(key, None)
        if not self._asking:
            self._revoked.clear()
        if not done.cancelled():
            done.exception()  # every asker sees it; one that went away must not leave a warning

    async def _find_out(self, key: str, token: str) -> Session | None:
        while True:
            before = self._revocations
            answer = await self._ask(ValidateSessionReq(session_id=token))
            if max(self._revoked.get(key, 0), self._revoked.get(answer.user_id, 0)) <= before:
                break
        now = self._clock()
        self._forget(key)
        if not answer.success or not answer.user_id:
            self._unknown[key] = now + REFUSAL_LIFETIME
            if len(self._unknown) > self._capacity // 10:
                del self._unknown[next(iter(self._unknown))]
            return None
        session = Session(key, answer.user_id, token)
        until = min(now + LIFETIME, float(answer.expires_at or now + LIFETIME))
        self._valid[key] = (session, until)
        self._of_user.setdefault(session.user_id, set()).add(key)
        if len(self._valid) > self._capacity:
            self._forget(next(iter(self._valid)))
        return session
