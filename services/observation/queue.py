"""The Queue port, measured: what goes in, what is handled and how late, what waits, what was given up on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.observation.samples import Samples
from services.runtime.events import stored_at
from services.stores.ports import Consumption, DeadLetter, NotNow, Parcel, Queue, StoreError

Handler = Callable[[Sequence[Parcel]], Awaitable[Mapping[str, Exception]]]


class ObservedQueue:
    """`queue` with metrics in `registry`. Depths are those of the groups that this process consumes for."""

    def __init__(self, queue: Queue, registry: CollectorRegistry, samples: Samples, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._samples = samples
        self._clock = clock
        self._published = Counter(
            "chatsystem_queue_published_total", "Events that the queue took over.", ["topic"], registry=registry
        )
        self._publish_failures = Counter(
            "chatsystem_queue_publish_failures_total", "Batches that the queue did not take.", registry=registry
        )
        group = ["topic", "group"]
        self._handled = Counter(
            "chatsystem_queue_handled_total",
            "Events handed to a consumer, by result (ok, failed: it will get them again or they become dead letters).",
            [*group, "result"],
            registry=registry,
        )
        self._batch = Histogram(
            "chatsystem_queue_batch_events",
            "Events that a consumer got at once.",
            group,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=registry,
        )
        self._seconds = Histogram(
            "chatsystem_queue_handle_seconds",
            "Time in which a consumer handled a batch.",
            group,
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0),
            registry=registry,
        )
        self._lag = Histogram(
            "chatsystem_queue_lag_seconds",
            "Age of the oldest message of a batch when its event had been handled.",
            group,
            buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0, 3600.0),
            registry=registry,
        )
        self._depth = Gauge("chatsystem_queue_depth", "Events not yet acknowledged.", group, registry=registry)
        self._dropped = Counter(
            "chatsystem_queue_dead_letters_dropped_total",
            "Dead letters that were dropped, because there were too many or they were too old.",
            group,
            registry=registry,
        )
        self._dead = Gauge(
            "chatsystem_queue_dead_letters", "Events that a consumer gave up on.", group, registry=registry
        )

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        try:
            await self._queue.publish(topic, payloads)
        except StoreError:
            self._publish_failures.inc()
            raise
        self._published.labels(topic).inc(len(payloads))

    async def consume(
        self, topic: str, group: str, handler: Handler, *, prefetch: int = 64, attempts: int = 5
    ) -> Consumption:
        async def sample() -> None:
            self._depth.labels(topic, group).set(await self._queue.depth(topic, group))
            self._dead.labels(topic, group).set(await self._queue.dead_depth(topic, group))

        self._samples.add(f"queue {topic} {group}", sample)
        observed = self._observed(topic, group, handler)
        return await self._queue.consume(topic, group, observed, prefetch=prefetch, attempts=attempts)

    def _observed(self, topic: str, group: str, handler: Handler) -> Handler:
        ok = self._handled.labels(topic, group, "ok")
        bad = self._handled.labels(topic, group, "failed")
        batch = self._batch.labels(topic, group)
        seconds = self._seconds.labels(topic, group)
        lag = self._lag.labels(topic, group)

        async def handle(parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
            started = time.perf_counter()
            batch.observe(len(parcels))
            try:
                failed = await handler(parcels)
            except NotNow:
                raise
            except Exception:
                bad.inc(len(parcels))
                raise
            seconds.observe(time.perf_counter() - started)
            ok.inc(len(parcels) - len(failed))
            bad.inc(len(failed))
            if parcels and parcels[0].id not in failed and (stored := stored_at(parcels[0].payload)) is not None:
                lag.observe(max(0.0, self._clock() - stored))
            return failed

        return handle

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        return await self._queue.dead_letters(topic, group, limit)

    async def replay(self, topic: str, group: str, ids: Sequence[str] | None = None) -> int:
        return await self._queue.replay(topic, group, ids)

    async def depth(self, topic: str, group: str) -> int:
        return await self._queue.depth(topic, group)

    async def drop_dead_letters(self, topic: str, group: str, *, keep: int, before: float) -> int:
        dropped = await self._queue.drop_dead_letters(topic, group, keep=keep, before=before)
        self._dropped.labels(topic, group).inc(dropped)
        return dropped

    async def dead_depth(self, topic: str, group: str) -> int:
        return await self._queue.dead_depth(topic, group)

    async def ping(self) -> None:
        await self._queue.ping()

    async def close(self) -> None:
        await self._queue.close()
