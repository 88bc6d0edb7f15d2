"""Password hashes: argon2id beside the event loop, with a bound on how many wait."""

from __future__ import annotations

import os
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.runtime.pool import BoundedPool, Overloaded
from services.runtime.refusal import Refusal

# OWASP's recommendation for argon2id: 19 MiB, two passes, one lane; 20 to 40 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_QUEUE_LIMIT = 256


class Passwords:
    """Makes and checks hashes. A full queue is a Refusal that asks to try again."""

    def __init__(self) -> None:
        self.pool = BoundedPool("argon2", workers=min(4, os.cpu_count() or 1), queue_limit=_QUEUE_LIMIT)
        # Checked in place of a hash that does not exist, so that the time of an answer does not tell whether a name is taken.
        self._nobody = _HASHER.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The encoded hash with its parameters and salt."""
        try:
            return await self.pool.run(_HASHER.hash, password)
        except Overloaded as error:
            raise Refusal("服务器繁忙，请稍后再试", retry_after=1.0) from error

    async def matches(self, password: str, encoded: str | None) -> bool:
        """Whether the password is the one of the hash; never for None, after the same work."""
        try:
            right = await self.pool.run(_verify, encoded or self._nobody, password)
        except Overloaded as error:
            raise Refusal("服务器繁忙，请稍后再试", retry_after=1.0) from error
        return right and encoded is not None

    async def close(self) -> None:
        await self.pool.close()


def _verify(encoded: str, password: str) -> bool:
    try:
        return _HASHER.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False
