"""The Registry port on Redis: one sorted set of instances, scored with the time at which each lapses.

The server's clock alone counts. A watcher hears of a change by a published hint and looks by itself every `poll` seconds.
It takes an instance off at once when that says farewell, and otherwise only after its whole term, so that a server that
was restarted without its data does not make everybody vanish.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from services.stores.access import Access
from services.stores.ports import Instance, StoreError
from services.stores.redis_cache import RedisSubscription
from services.stores.redis_client import answered, connect

log = logging.getLogger(__name__)

_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "
_REGISTER = _NOW + "return redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])"
_LIST = _NOW + ("redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) return redis.call('ZRANGE', KEYS[1], 0, -1)")


@dataclass(frozen=True)
class Terms:
    """All in seconds: how long a registration holds, how often it is renewed, how often watchers look."""

    ttl: float = 6.0
    renew: float = 2.0
    poll: float = 2.0


class RedisRegistry:
    """See services.stores.ports.Registry."""

    def __init__(self, url: str, access: Access | None = None, *, prefix: str = "", terms: Terms | None = None) -> None:
        self._redis = connect(url, access)
        self._key = f"{prefix}registry"
        self._terms = terms or Terms()
        self._own: dict[str, Instance] = {}
        self._register = self._redis.register_script(_REGISTER)
        self._list = self._redis.register_script(_LIST)
        self._tasks: list[asyncio.Task[None]] = []
        self._renewing = False
        self._closed = False
        self._subscription: RedisSubscription | None = None

    async def register(self, instance: Instance) -> None:
        text = _encode(instance)
        await self._write(text)
        self._own[text] = instance
        await answered(self._redis.publish(self._key, b""))
        if not self._renewing:
            self._renewing = True
            self._tasks.append(asyncio.create_task(self._renew(), name="registry renewal"))

    async def deregister(self, instance: Instance) -> None:
        text = _encode(instance)
        self._own.pop(text, None)
        await answered(self._redis.zrem(self._key, text))
        await answered(self._redis.publish(self._key, text.encode()))

    async def instances(self, service: str) -> list[Instance]:
        return [instance for instance in map(_decode, await self._all()) if instance.service == service]

    async def watch(self, changed: Callable[[str, list[Instance]], None]) -> None:
        watcher = _Watcher(changed, self._terms.ttl)
        subscription = self._subscription = RedisSubscription(self._redis, "", [self._key])
        await subscription.open()
        watcher.seen(await self._all(), time.monotonic())
        look = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._listen(subscription, watcher, look), name="registry hints"))
        self._tasks.append(asyncio.create_task(self._poll(watcher, look), name="registry watch"))

    async def ping(self) -> None:
        await answered(self._redis.ping())

    async def close(self) -> None:
        # The flag too, and not the cancellation alone: the client's own time-outs can swallow that.
        self._closed = True
        if self._subscription is not None:
            await self._subscription.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for instance in list(self._own.values()):
            with suppress(StoreError):
                await self.deregister(instance)
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _write(self, text: str) -> None:
        await answered(self._register(keys=[self._key], args=[text, round(self._terms.ttl * 1000)]))

    async def _all(self) -> list[str]:
        return [raw.decode() for raw in await answered(self._list(keys=[self._key], args=[]))]

    async def _renew(self) -> None:
        while not self._closed:
            await asyncio.sleep(self._terms.renew)
            for text in list(self._own):
                try:
                    await self._write(text)
                    if text not in self._own:  # deregistered in between
                        await answered(self._redis.zrem(self._key, text))
                except StoreError as error:
                    log.warning("the registration could not be renewed: %s", error)

    async def _listen(self, subscription: RedisSubscription, watcher: _Watcher, look: asyncio.Event) -> None:
        async for _, payload in subscription:
            if payload:
                watcher.gone(payload.decode())
            look.set()

    async def _poll(self, watcher: _Watcher, look: asyncio.Event) -> None:
        while not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._terms.poll):
                    await look.wait()
            look.clear()
            try:
                watcher.seen(await self._all(), time.monotonic())
            except StoreError as error:
                log.warning("the registry does not answer, going on with what is known: %s", error)
                await asyncio.sleep(self._terms.poll / 4)


class _Watcher:
    """What one watcher believes to be alive."""

    def __init__(self, changed: Callable[[str, list[Instance]], None], ttl: float) -> None:
        self._changed = changed
        self._ttl = ttl
        self._last_seen: dict[str, float] = {}
        self._told: dict[str, list[Instance]] = {}

    def seen(self, texts: list[str], now: float) -> None:
        for text in texts:
            self._last_seen[text] = now
        present = set(texts)
        for text, at in list(self._last_seen.items()):
            if text not in present and now - at > self._ttl:
                del self._last_seen[text]
        self._tell()

    def gone(self, text: str) -> None:
        if self._last_seen.pop(text, None) is not None:
            self._tell()

    def _tell(self) -> None:
        by_service: dict[str, list[Instance]] = {service: [] for service in self._told}
        for text in sorted(self._last_seen):
            instance = _decode(text)
            by_service.setdefault(instance.service, []).append(instance)
        for service, instances in by_service.items():
            if self._told.get(service) != instances:
                self._told[service] = instances
                self._changed(service, list(instances))


def _encode(instance: Instance) -> str:
    return json.dumps([instance.service, instance.id, instance.address, dict(instance.metadata)], sort_keys=True)


def _decode(text: str) -> Instance:
    service, instance_id, address, metadata = json.loads(text)
    return Instance(service, instance_id, address, metadata)
