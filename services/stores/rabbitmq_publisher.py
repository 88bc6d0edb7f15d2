"""Publishing to RabbitMQ: nothing counts as taken before the server has confirmed that a majority has it on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity, PublishError

from services.stores.ports import StoreError
from services.stores.rabbitmq_bundle import CONTENT_TYPE, Bundle
from services.stores.rabbitmq_link import Link, answered
from services.stores.rabbitmq_topology import Topic

ATTEMPTS = 2
"""A connection that the server closed fails only at its next use: once more, on a new one."""


@dataclass(frozen=True)
class Outgoing:
    """One message: the bundle, where it goes (an exchange, or with "" the queue of that name), its headers."""

    bundle: Bundle
    exchange: str
    routing_key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def message(self) -> Message:
        return Message(
            self.bundle.encode(),
            headers=dict(self.headers),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
        )


class Publisher:
    """All publishes of a process share one channel. `timeout` in seconds bounds each attempt."""

    def __init__(self, link: Link, *, timeout: float) -> None:
        self._link = link
        self._timeout = timeout
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._declared: set[Topic] = set()

    async def publish(self, topic: Topic, messages: Sequence[Outgoing]) -> None:
        """Returns when all are confirmed, with the topic made if it is new. Raises StoreError; then some may have been
        taken."""
        await self._send(messages, topic)

    async def put(self, messages: Sequence[Outgoing]) -> None:
        """To queues that exist. Raises StoreError."""
        await self._send(messages, None)

    async def _send(self, messages: Sequence[Outgoing], topic: Topic | None) -> None:
        left = list(messages)
        for attempt in range(1, ATTEMPTS + 1):
            channel = await self._ready(topic)
            results = await asyncio.gather(*(self._send_one(channel, each) for each in left), return_exceptions=True)
            failed = [(each, result) for each, result in zip(left, results, strict=True) if result is not None]
            if not failed:
                return
            left = [each for each, _ in failed]
            error = failed[0][1]
            if not isinstance(error, StoreError):
                raise error
            self._link.doubt(error)
            if isinstance(error.__cause__, TimeoutError) or attempt == ATTEMPTS:
                raise error
            if isinstance(error.__cause__, (ChannelNotFoundEntity, PublishError)):
                self._declared.clear()  # somebody deleted an exchange or a queue, or the server lost its data

    async def _send_one(self, channel: AbstractChannel, message: Outgoing) -> None:
        exchange = await channel.get_exchange(message.exchange, ensure=False)
        await answered(exchange.publish(message.message(), message.routing_key, mandatory=True), self._timeout)

    async def _ready(self, topic: Topic | None) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel()
                self._declared.clear()
            if topic is not None and topic not in self._declared:
                try:
                    await answered(topic.declare(self._channel), self._timeout)
                except StoreError as error:
                    self._channel = None
                    self._link.doubt(error)
                    raise
                self._declared.add(topic)
            return self._channel

    async def ping(self) -> None:
        """A round trip on the channel. Raises StoreError."""
        for attempt in range(1, ATTEMPTS + 1):
            channel = await self._ready(None)
            try:
                await answered(channel.set_qos(0), self._timeout)
            except StoreError as error:
                self._link.doubt(error)
                if isinstance(error.__cause__, TimeoutError) or attempt == ATTEMPTS:
                    raise
            else:
                return
