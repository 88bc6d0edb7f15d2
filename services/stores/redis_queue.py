"""The Queue port on Redis streams: one stream a topic, one consumer group a group, one stream of dead letters a group.

What the queue has taken survives what the server's own persistence survives (with `appendfsync always` a power cut, with
`everysec` all but its last second).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.stores.access import Access
from services.stores.ports import DeadLetter, Parcel
from services.stores.redis_client import answered, connect
from services.stores.redis_consumption import PAYLOAD, RedisConsumption, Timing

_ONLY_FOR = b"g"
"""Field of a replayed entry: the one group that is to handle it; the others pass it by."""


class RedisQueue:
    """See services.stores.ports.Queue. `consumer` is this process's unique name: started again under the same name it
    goes on at once with what it had not acknowledged. `prefix` keeps several systems on one server apart."""

    def __init__(
        self,
        url: str,
        access: Access | None = None,
        *,
        consumer: str,
        prefix: str = "",
        timeout: float = 5.0,
        timing: Timing | None = None,
    ) -> None:
        self._redis = connect(url, access, timeout=timeout)
        self._consumer = consumer
        self._prefix = prefix
        self._timing = timing or Timing()
        self._consumptions: list[RedisConsumption] = []

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        if not payloads:
            return
        pipeline: Any = self._redis.pipeline(transaction=True)
        for payload in payloads:
            pipeline.xadd(self._stream(topic), {PAYLOAD: payload})
        await answered(pipeline.execute())

    async def consume(
        self,
        topic: str,
        group: str,
        handler: Callable[[Sequence[Parcel]], Awaitable[Mapping[str, Exception]]],
        *,
        prefetch: int = 64,
        attempts: int = 5,
    ) -> RedisConsumption:
        consumption = RedisConsumption(
            self._redis,
            (self._stream(topic), group, self._consumer, self._dead(topic, group)),
            handler,
            prefetch=prefetch,
            attempts=attempts,
            timing=self._timing,
        )
        await consumption.start()
        self._consumptions = [each for each in self._consumptions if not each.ended]
        self._consumptions.append(consumption)
        return consumption

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        entries = await answered(self._redis.xrange(self._dead(topic, group), count=limit))
        return [
            DeadLetter(entry_id.decode(), topic, fields[PAYLOAD], fields[b"reason"].decode(), int(fields[b"attempts"]))
            for entry_id, fields in entries
        ]

    async def replay(self, topic: str, group: str, ids: Sequence[str] | None = None) -> int:
        replayed = 0
        dead = self._dead(topic, group)
        for letter_id in (
            ids if ids is not None else [letter.id for letter in await self.dead_letters(topic, group, 10_000)]
        ):
            entries = await answered(self._redis.xrange(dead, min=letter_id, max=letter_id))
            if entries:
                pipeline: Any = self._redis.pipeline(transaction=True)
                pipeline.xadd(self._stream(topic), {PAYLOAD: entries[0][1][PAYLOAD], _ONLY_FOR: group})
                pipeline.xdel(dead, letter_id)
                await answered(pipeline.execute())
                replayed += 1
        return replayed

    async def depth(self, topic: str, group: str) -> int:
        stream = self._stream(topic)
        if not await answered(self._redis.exists(stream)):
            return 0
        for each in await answered(self._redis.xinfo_groups(stream)):
            if each["name"].decode() == group:
                lag = each.get("lag")
                if lag is None:  # before Redis 7, or after entries were deleted
                    lag = len(await answered(self._redis.xrange(stream, min=b"(" + each["last-delivered-id"])))
                return int(each["pending"]) + int(lag)
        return int(await answered(self._redis.xlen(stream)))

    async def dead_depth(self, topic: str, group: str) -> int:
        return int(await answered(self._redis.xlen(self._dead(topic, group))))

    async def drop_dead_letters(self, topic: str, group: str, *, keep: int, before: float) -> int:
        dead = self._dead(topic, group)
        pipeline: Any = self._redis.pipeline(transaction=True)
        # The id of an entry begins with the milliseconds at which it was put in.
        pipeline.xtrim(dead, minid=f"{max(0, int(before * 1000))}-0", approximate=False)
        pipeline.xtrim(dead, maxlen=keep, approximate=False)
        return sum(await answered(pipeline.execute()))

    async def ping(self) -> None:
        await answered(self._redis.ping())

    async def close(self) -> None:
        for consumption in self._consumptions:
            await consumption.close()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    def _stream(self, topic: str) -> str:
        return f"{self._prefix}queue:{topic}"

    def _dead(self, topic: str, group: str) -> str:
        return f"{self._prefix}queue:{topic}:dead:{group}"
