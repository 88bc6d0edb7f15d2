"""The database and the queue as spans. A group commit has a span that is linked to all the changes in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from services.observation.queue import Handler
from services.observation.tracer import Attributes, Kind, Tracer
from services.stores.groups import GroupCommits
from services.stores.ports import Connection, Consumption, Database, DeadLetter, Queue

T = TypeVar("T")


class TracedDatabase:
    """See services.stores.ports.Database. `groups`: the adapter itself, which tells of its groups if it makes any."""

    def __init__(self, database: Database, tracer: Tracer, groups: Database) -> None:
        self._database = database
        self._tracer = tracer
        self.dialect = database.dialect
        self.long_reads = database.long_reads
        self._system = {"db.system": database.dialect.name}
        if isinstance(groups, GroupCommits):
            groups.observe_groups(self)

    def joined(self) -> Any:
        """Of services.stores.groups.GroupObserver."""
        return self._tracer.current()

    def finished(self, joined: Sequence[Any], seconds: float) -> None:
        """Of services.stores.groups.GroupObserver."""
        self._tracer.past("database commit", seconds, self._system | {"chatsystem.works": len(joined)}, joined)

    async def read(self, work: Callable[[Connection], T]) -> T:
        with self._tracer.span("database read", Kind.CLIENT, self._system):
            return await self._database.read(work)

    async def write(self, work: Callable[[Connection], T], **how: Any) -> T:
        with self._tracer.span("database write", Kind.CLIENT, self._system):
            return await self._database.write(work, **how)

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()


class TracedQueue:
    """See services.stores.ports.Queue."""

    def __init__(self, queue: Queue, tracer: Tracer) -> None:
        self._queue = queue
        self._tracer = tracer

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        attributes: Attributes = {"messaging.destination.name": topic, "messaging.batch.message_count": len(payloads)}
        with self._tracer.span(f"publish {topic}", Kind.PRODUCER, attributes):
            await self._queue.publish(topic, payloads)

    async def consume(
        self, topic: str, group: str, handler: Handler, *, prefetch: int = 64, attempts: int = 5
    ) -> Consumption:
        async def handle(parcels: Sequence[Any]) -> Any:
            attributes: Attributes = {
                "messaging.destination.name": topic,
                "messaging.consumer.group.name": group,
                "messaging.batch.message_count": len(parcels),
            }
            with self._tracer.span(f"process {topic}", Kind.CONSUMER, attributes, parent="") as span:
                failed = await handler(parcels)
                if failed:
                    span.fail(f"{len(failed)} failed")
                return failed

        return await self._queue.consume(topic, group, handle, prefetch=prefetch, attempts=attempts)

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        return await self._queue.dead_letters(topic, group, limit)

    async def replay(self, topic: str, group: str, ids: Sequence[str] | None = None) -> int:
        return await self._queue.replay(topic, group, ids)

    async def depth(self, topic: str, group: str) -> int:
        return await self._queue.depth(topic, group)

    async def drop_dead_letters(self, topic: str, group: str, *, keep: int, before: float) -> int:
        return await self._queue.drop_dead_letters(topic, group, keep=keep, before=before)

    async def dead_depth(self, topic: str, group: str) -> int:
        return await self._queue.dead_depth(topic, group)

    async def ping(self) -> None:
        await self._queue.ping()

    async def close(self) -> None:
        await self._queue.close()
