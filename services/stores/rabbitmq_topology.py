"""The exchanges and queues in RabbitMQ that make up the Queue port.

For a topic a fanout exchange; for each of its groups a quorum queue bound to it, and one for the group's dead letters. What
is published while no group has a queue yet takes the exchange's alternate way into the topic's own queue, from where the
first group fetches it. All names begin with the prefix, which is what a user of the server needs permissions for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue

PREFIX = "chatsystem."

_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    # The consumers count (rabbitmq_consumption): the server would throw a whole message away, or make it a dead letter
    # without a reason. RabbitMQ 4 does so after 20 deliveries where no limit is set, and looking at a dead letter is one.
    "x-delivery-limit": 1_000_000_000,
}


@dataclass(frozen=True)
class Topic:
    """The names of a topic."""

    prefix: str
    topic: str

    @property
    def exchange(self) -> str:
        return self.prefix + self.topic

    @property
    def unclaimed(self) -> str:
        """The queue of what no group has asked for yet, and the alternate exchange in front of it."""
        return f"{self.prefix}{self.topic}.unclaimed"

    async def declare(self, channel: AbstractChannel) -> None:
        """Raises what the library raises, as all `declare` here."""
        alternate = await channel.declare_exchange(self.unclaimed, ExchangeType.FANOUT, durable=True)
        queue = await channel.declare_queue(self.unclaimed, durable=True, arguments=_ARGUMENTS)
        await queue.bind(alternate)
        await channel.declare_exchange(
            self.exchange, ExchangeType.FANOUT, durable=True, arguments={"alternate-exchange": self.unclaimed}
        )


@dataclass(frozen=True)
class Group:
    """The names of a group of consumers of a topic."""

    topic: Topic
    group: str

    @property
    def queue(self) -> str:
        return f"{self.topic.exchange}.{self.group}"

    @property
    def dead(self) -> str:
        return f"{self.queue}.dead"

    async def declare(self, channel: AbstractChannel) -> AbstractQueue:
        """The topic, the dead letters and the group's queue, which is returned. A group's queue is bound once the dead
        letters have a place."""
        await self.topic.declare(channel)
        await channel.declare_queue(self.dead, durable=True, arguments=_ARGUMENTS)
        queue = await channel.declare_queue(self.queue, durable=True, arguments=_ARGUMENTS)
        await queue.bind(self.topic.exchange)
        return queue
