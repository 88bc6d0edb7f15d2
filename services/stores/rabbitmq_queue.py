"""The Queue port on RabbitMQ: quorum queues, publisher confirms, one queue for each group of a topic.

What the queue has taken survives the loss of any minority of the server's nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from services.stores import rabbitmq_dead_letters
from services.stores.access import Access
from services.stores.ports import DeadLetter, Parcel
from services.stores.rabbitmq_bundle import pack
from services.stores.rabbitmq_consumption import Pauses, RabbitConsumption
from services.stores.rabbitmq_dead_letters import existing
from services.stores.rabbitmq_link import Link
from services.stores.rabbitmq_publisher import Outgoing, Publisher
from services.stores.rabbitmq_topology import PREFIX, Group, Topic


class RabbitQueue:
    """See services.stores.ports.Queue. `url`: amqp://host:port,host:port/virtual-host. `consumer` is this process's name,
    shown by the server. `timeout` (seconds) bounds each exchange with the server.

    Publishing has a connection of its own: a server that is short of memory or disk stops reading from those who publish,
    and acknowledgements must get through."""

    def __init__(
        self,
        url: str,
        access: Access | None = None,
        *,
        consumer: str,
        prefix: str = PREFIX,
        timeout: float = 5.0,
        pauses: Pauses | None = None,
    ) -> None:
        access = access or Access()
        self._prefix = prefix
        self._timeout = timeout
        self._pauses = pauses or Pauses()
        self._outward = Link(url, access, name=f"{consumer} (publishes)", timeout=timeout)
        self._inward = Link(url, access, name=f"{consumer} (consumes)", timeout=timeout)
        self._publisher = Publisher(self._outward, timeout=timeout)
        self._consumptions: list[RabbitConsumption] = []

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        target = Topic(self._prefix, topic)
        if messages := [Outgoing(bundle, target.exchange) for bundle in pack(payloads)]:
            await self._publisher.publish(target, messages)

    async def consume(
        self,
        topic: str,
        group: str,
        handler: Callable[[Sequence[Parcel]], Awaitable[Mapping[str, Exception]]],
        *,
        prefetch: int = 64,
        attempts: int = 5,
    ) -> RabbitConsumption:
        consumption = RabbitConsumption(
            self._inward,
            self._publisher,
            self._group(topic, group),
            handler,
            prefetch=prefetch,
            attempts=attempts,
            pauses=self._pauses,
            timeout=self._timeout,
        )
        await consumption.start()
        self._consumptions = [each for each in self._consumptions if not each.ended]
        self._consumptions.append(consumption)
        return consumption

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]:
        return await rabbitmq_dead_letters.listed(self._inward, self._group(topic, group), limit, self._timeout)

    async def replay(self, topic: str, group: str, ids: Sequence[str] | None = None) -> int:
        return await rabbitmq_dead_letters.replayed(
            self._inward,
            self._publisher,
            self._group(topic, group),
            None if ids is None else frozenset(ids),
            self._timeout,
        )

    async def depth(self, topic: str, group: str) -> int:
        """What waits, in messages, and what this process has in hand, in parcels: at least so many parcels, and 0 only if
        there are none but those in the hands of other processes. AMQP tells no more."""
        names = self._group(topic, group)
        waiting = 0
        for name in (names.queue, names.topic.unclaimed):
            async with self._inward.brief_channel() as channel:
                queue = await existing(channel, name, self._timeout)
                waiting += (queue.declaration_result.message_count or 0) if queue is not None else 0
        return waiting + sum(each.in_hand for each in self._consumptions if each.group == names)

    async def dead_depth(self, topic: str, group: str) -> int:
        """In messages, each of which holds one letter or more."""
        async with self._inward.brief_channel() as channel:
            queue = await existing(channel, self._group(topic, group).dead, self._timeout)
            return 0 if queue is None else queue.declaration_result.message_count or 0

    async def drop_dead_letters(self, topic: str, group: str, *, keep: int, before: float) -> int:
        names = self._group(topic, group)
        return await rabbitmq_dead_letters.dropped(self._inward, names, keep, before, self._timeout)

    async def ping(self) -> None:
        await self._publisher.ping()

    async def close(self) -> None:
        await asyncio.gather(*(consumption.close() for consumption in self._consumptions))
        await asyncio.gather(self._inward.close(), self._outward.close())

    def _group(self, topic: str, group: str) -> Group:
        return Group(Topic(self._prefix, topic), group)
