"""How often one name may be tried with a wrong password."""

from __future__ import annotations

import hashlib
import logging

from services.runtime.refusal import Refusal
from services.stores.ports import Cache, StoreError

log = logging.getLogger(__name__)

WINDOW = 900.0
"""Seconds, from the first failure on."""


class LoginGuard:
    """Counts attempts before the password is looked at, so that attempts at the same time cannot slip by together.

    The count lives in the cache. While that is away logins are not held up: the work of argon2 and the gateway's rate
    limit remain.
    """

    def __init__(self, cache: Cache, limit: int) -> None:
        self._cache = cache
        self._limit = limit

    async def begin(self, name: str) -> None:
        """Counts an attempt. Raises Refusal once there were too many."""
        try:
            count = await self._cache.increment(_key(name), ttl=WINDOW)
        except StoreError as error:
            log.warning("failed logins are not counted, the cache is away: %s", error)
            return
        if count > self._limit:
            raise Refusal("登录失败次数过多，请 15 分钟后再试", retry_after=WINDOW)

    async def succeeded(self, name: str) -> None:
        """Forgets the failures of a name."""
        try:
            await self._cache.delete(_key(name))
        except StoreError:
            return


def _key(name: str) -> str:
    return "login-failures:" + hashlib.sha256(name.encode()).hexdigest()
