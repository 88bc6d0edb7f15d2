"""Codes sent to phones: six digits, bound to one phone number and purpose, few attempts, used once.

They live in the cache, in a namespace of their own, as hashes. Without the cache no code is sent and none is accepted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from services.protocol.user_pb2 import ANY_PURPOSE
from services.runtime.refusal import Refusal
from services.stores.ports import Cache, StoreError
from services.user.sms import SmsError, SmsSender

log = logging.getLogger(__name__)

_DAY = 86400.0
_LONGEST_ID = 64


@dataclass(frozen=True)
class CodeLimits:
    """Times in seconds; meanings as in services.catalogue."""

    lifetime: float
    attempts: int
    interval: float
    per_day: int


class PhoneCodes:
    """`draw` makes the six digits; a parameter so that tests know them."""

    def __init__(
        self, cache: Cache, sender: SmsSender, limits: CodeLimits, draw: Callable[[], str] | None = None
    ) -> None:
        self._cache = cache
        self._sender = sender
        self._limits = limits
        self._draw = draw or (lambda: f"{secrets.randbelow(10**6):06d}")

    async def send(self, phone: str, purpose: int) -> str:
        """Sends a code and returns its id. Raises Refusal: too often, or the message cannot be sent."""
        pause_key = f"code:pause:{phone}"
        code_id = secrets.token_urlsafe(24)
        code = self._draw()
        try:
            await self._count(phone, pause_key)
            record = json.dumps({"purpose": int(purpose), "digest": _digest(code_id, phone, code)})
            await self._cache.set(_key(code_id), record.encode(), ttl=self._limits.lifetime)
        except StoreError as error:
            raise _away(error) from error
        try:
            await self._sender.send(phone, code, code_id)
        except SmsError as error:
            log.error("a text message was not sent: %s", error)
            await self._forget(pause_key, _key(code_id))
            raise Refusal("短信发送失败，请稍后再试", retry_after=5.0) from error
        return code_id

    async def accept(self, phone: str, purpose: int, code_id: str, code: str) -> None:
        """Uses up the code. Raises Refusal unless it is the one sent to this phone for this purpose (or for any)."""
        if not 0 < len(code_id) <= _LONGEST_ID:
            raise Refusal("验证码错误或已过期")
        key = _key(code_id)
        try:
            raw = await self._cache.get(key)
            if raw is None:
                raise Refusal("验证码错误或已过期")
            if await self._cache.increment(f"code:tries:{code_id}", ttl=self._limits.lifetime) > self._limits.attempts:
                await self._cache.delete(key)
                raise Refusal("验证码错误次数过多，请重新获取")
            if not _fits(json.loads(raw), purpose, _digest(code_id, phone, code)):
                raise Refusal("验证码错误或已过期")
            if await self._cache.take(key) is None:  # another request was first
                raise Refusal("验证码错误或已过期")
        except StoreError as error:
            raise _away(error) from error

    async def _count(self, phone: str, pause_key: str) -> None:
        interval = self._limits.interval
        if interval > 0 and not await self._cache.set(pause_key, b"1", ttl=interval, only_new=True):
            raise Refusal("验证码发送过于频繁，请稍后再试", retry_after=interval)
        if await self._cache.increment(f"code:day:{phone}", ttl=_DAY) > self._limits.per_day:
            raise Refusal("该手机号今日获取验证码次数已达上限", retry_after=_DAY)

    async def _forget(self, *keys: str) -> None:
        try:
            await self._cache.delete(*keys)
        except StoreError:
            return


def _key(code_id: str) -> str:
    return f"code:id:{code_id}"


def _digest(code_id: str, phone: str, code: str) -> str:
    # The number is part of it: that is what binds a code to a phone.
    return hashlib.sha256(f"{code_id}\0{phone}\0{code}".encode()).hexdigest()


def _fits(record: dict[str, str | int], purpose: int, digest: str) -> bool:
    same = hmac.compare_digest(str(record["digest"]), digest)
    return same and record["purpose"] in {ANY_PURPOSE, purpose}


def _away(error: StoreError) -> Refusal:
    log.warning("phone codes are not available, the cache is away: %s", error)
    return Refusal("验证码服务暂不可用，请稍后再试", retry_after=5.0)
