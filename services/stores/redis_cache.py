"""The Cache port on Redis or Valkey."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from services.stores.access import Access
from services.stores.redis_client import answered, connect

log = logging.getLogger(__name__)

_INCREMENT = """
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
if ARGV[2] ~= '' and redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return value
"""
_REPLACE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_SET_ADD = """
redis.call('SADD', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""


def _milliseconds(ttl: float | None) -> int | str:
    return "" if ttl is None else max(1, round(ttl * 1000))


class RedisCache:
    """See services.stores.ports.Cache. `prefix` keeps the keys of several systems on one server apart."""

    def __init__(self, url: str, access: Access | None = None, *, prefix: str = "", timeout: float = 5.0) -> None:
        self._redis = connect(url, access, timeout=timeout)
        self._prefix = prefix
        self._increment = self._redis.register_script(_INCREMENT)
        self._replace = self._redis.register_script(_REPLACE)
        self._set_add = self._redis.register_script(_SET_ADD)

    async def get(self, key: str, *, extend: float | None = None) -> bytes | None:
        name = self._prefix + key
        call = self._redis.get(name) if extend is None else self._redis.getex(name, px=int(_milliseconds(extend)))
        value: bytes | None = await answered(call)
        return value

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        if not keys:
            return []
        values: list[bytes | None] = await answered(self._redis.mget([self._prefix + key for key in keys]))
        return values

    async def set(self, key: str, value: bytes, *, ttl: float | None = None, only_new: bool = False) -> bool:
        expiry = None if ttl is None else int(_milliseconds(ttl))
        return bool(await answered(self._redis.set(self._prefix + key, value, px=expiry, nx=only_new)))

    async def replace(self, key: str, old: bytes, new: bytes, *, ttl: float) -> bool:
        return bool(await answered(self._replace(keys=[self._prefix + key], args=[old, new, _milliseconds(ttl)])))

    async def delete(self, *keys: str) -> int:
        if not keys:
            return 0
        return int(await answered(self._redis.delete(*(self._prefix + key for key in keys))))

    async def increment(self, key: str, amount: int = 1, *, ttl: float | None = None) -> int:
        return int(await answered(self._increment(keys=[self._prefix + key], args=[amount, _milliseconds(ttl)])))

    async def take(self, key: str) -> bytes | None:
        value: bytes | None = await answered(self._redis.getdel(self._prefix + key))
        return value

    async def set_add(self, key: str, member: str, *, ttl: float | None = None) -> None:
        await answered(self._set_add(keys=[self._prefix + key], args=[member, _milliseconds(ttl)]))

    async def set_remove(self, key: str, member: str) -> None:
        await answered(self._redis.srem(self._prefix + key, member))

    async def set_members(self, keys: Sequence[str]) -> list[frozenset[str]]:
        if not keys:
            return []
        pipeline: Any = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.smembers(self._prefix + key)
        return [frozenset(each.decode() for each in members) for members in await answered(pipeline.execute())]

    async def publish(self, channel: str, payload: bytes) -> int:
        return int(await answered(self._redis.publish(self._prefix + channel, payload)))

    async def subscribe(self, *channels: str, renewed: Callable[[], None] | None = None) -> RedisSubscription:
        """Returns once the server has confirmed all channels. Raises StoreError."""
        subscription = RedisSubscription(self._redis, self._prefix, channels, renewed)
        await subscription.open()
        return subscription

    async def ping(self) -> None:
        await answered(self._redis.ping())

    async def close(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()


SILENCE = 10.0
"""Seconds without a word from the server after which a subscription asks whether it is still there."""
ANSWER = 5.0
"""Seconds for it to answer. A server that vanished with its machine gives no other sign, and it may be a quarter of an hour until TCP
says so."""


class RedisSubscription:
    """See services.stores.ports.Subscription."""

    def __init__(
        self, redis: Any, prefix: str, channels: Sequence[str], renewed: Callable[[], None] | None = None
    ) -> None:
        self._redis = redis
        self._renewed = renewed
        self._prefix = prefix
        self._channels = [prefix + channel for channel in channels]
        self._pubsub: Any = None
        self._closed = asyncio.Event()

    async def open(self) -> None:
        pubsub = self._redis.pubsub()
        try:
            await answered(pubsub.subscribe(*self._channels))
            confirmed = 0
            while confirmed < len(self._channels):
                message = await answered(pubsub.get_message(timeout=5.0))
                confirmed += bool(message and message["type"] == "subscribe")
        except BaseException:
            await pubsub.aclose()
            raise
        self._pubsub = pubsub

    async def __aiter__(self) -> AsyncIterator[tuple[str, bytes]]:
        pause = 0.05
        due = time.monotonic() + SILENCE
        asked = False
        while not self._closed.is_set():
            try:
                message = await self._pubsub.get_message(timeout=min(1.0, SILENCE))
                pause = 0.05
                now = time.monotonic()
                if message is not None:
                    due, asked = now + SILENCE, False
                elif now >= due and not self._closed.is_set():
                    due, asked = now + (SILENCE if asked else ANSWER), not asked
                    if asked:
                        await self._pubsub.ping()
                    else:
                        await self._drop()
            except Exception as error:
                # The connection subscribes again by itself when it is back.
                if not isinstance(error, (RedisError, OSError, RuntimeError)):
                    log.exception("a subscription failed; it is made again")
                    await self._drop()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._closed.wait()
                pause = min(pause * 2, 2.0)
                continue
            if message is None or self._closed.is_set():
                continue
            if message["type"] == "message":
                yield message["channel"].decode()[len(self._prefix) :], message["data"]
            elif (
                message["type"] == "subscribe" and message["data"] == len(self._channels) and self._renewed is not None
            ):  # the last confirmation
                self._renewed()

    async def _drop(self) -> None:
        """The next look for a message makes another connection."""
        if self._pubsub.connection is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.connection.disconnect(nowait=True)

    async def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            if self._pubsub is not None:
                await self._pubsub.aclose()
