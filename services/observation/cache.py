"""The Cache port, measured: how long it takes to answer, and what fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.stores.ports import Cache, StoreError, Subscription

T = TypeVar("T")


class ObservedCache:
    """`cache` with metrics in `registry`."""

    def __init__(self, cache: Cache, registry: CollectorRegistry) -> None:
        self._cache = cache
        self._seconds = Histogram(
            "chatsystem_cache_seconds",
            "Time of one exchange with the cache.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
            registry=registry,
        )
        self._failures = Counter(
            "chatsystem_cache_failures_total", "Exchanges with the cache that failed.", registry=registry
        )

    async def _measured(self, exchange: Awaitable[T]) -> T:
        started = time.perf_counter()
        try:
            result = await exchange
        except StoreError:
            self._failures.inc()
            raise
        self._seconds.observe(time.perf_counter() - started)
        return result

    async def get(self, key: str, *, extend: float | None = None) -> bytes | None:
        return await self._measured(self._cache.get(key, extend=extend))

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self._measured(self._cache.get_many(keys))

    async def set(self, key: str, value: bytes, *, ttl: float | None = None, only_new: bool = False) -> bool:
        return await self._measured(self._cache.set(key, value, ttl=ttl, only_new=only_new))

    async def replace(self, key: str, old: bytes, new: bytes, *, ttl: float) -> bool:
        return await self._measured(self._cache.replace(key, old, new, ttl=ttl))

    async def delete(self, *keys: str) -> int:
        return await self._measured(self._cache.delete(*keys))

    async def increment(self, key: str, amount: int = 1, *, ttl: float | None = None) -> int:
        return await self._measured(self._cache.increment(key, amount, ttl=ttl))

    async def take(self, key: str) -> bytes | None:
        return await self._measured(self._cache.take(key))

    async def set_add(self, key: str, member: str, *, ttl: float | None = None) -> None:
        await self._measured(self._cache.set_add(key, member, ttl=ttl))

    async def set_remove(self, key: str, member: str) -> None:
        await self._measured(self._cache.set_remove(key, member))

    async def set_members(self, keys: Sequence[str]) -> list[frozenset[str]]:
        return await self._measured(self._cache.set_members(keys))

    async def publish(self, channel: str, payload: bytes) -> int:
        return await self._measured(self._cache.publish(channel, payload))

    async def subscribe(self, *channels: str, renewed: Callable[[], None] | None = None) -> Subscription:
        return await self._measured(self._cache.subscribe(*channels, renewed=renewed))

    async def ping(self) -> None:
        await self._measured(self._cache.ping())

    async def close(self) -> None:
        await self._cache.close()
