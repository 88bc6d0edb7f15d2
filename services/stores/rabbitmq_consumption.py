"""One consumer of a group's queue in RabbitMQ: hands over batches, acknowledges, tries again later, gives up into the dead
letters.

A parcel that is tried again stays in hand, its message unacknowledged, so that whatever happens to this process the server
gives it to another one. When a channel is lost, all that was in hand on it is forgotten: it cannot be acknowledged any more
and comes again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from services.stores.ports import NotNow, Parcel, StoreError
from services.stores.rabbitmq_bundle import Bundle
from services.stores.rabbitmq_dead_letters import burial
from services.stores.rabbitmq_delivery import FOREIGN, UNANSWERED, Delivery, Item, items
from services.stores.rabbitmq_link import Link, answered, close_channel
from services.stores.rabbitmq_publisher import Outgoing, Publisher
from services.stores.rabbitmq_topology import Group

log = logging.getLogger(__name__)

SUSPECT = 3
"""Failures of a parcel, and deliveries that ended without an answer (its consumer died, the connection broke), after which
it is handed over alone, taken out of its message: if it ends whoever takes it, it does so to itself only."""

LIMIT = 20
"""Deliveries without an answer after which a message becomes a dead letter."""

_LOOK = 5.0
"""Seconds between two looks whether the channel is still there, should nobody have said that it is not."""

Handler = Callable[[Sequence[Parcel]], Awaitable[Mapping[str, Exception]]]


@dataclass(frozen=True)
class Pauses:
    """All in seconds."""

    retry: float = 0.5
    """Before the second attempt; it doubles with each one."""
    longest_retry: float = 30.0
    reconnect: float = 0.2
    """After a lost connection; it doubles up to `longest_reconnect`."""
    longest_reconnect: float = 5.0


class RabbitConsumption:
    """See services.stores.ports.Consumption. `timeout` (seconds) bounds each exchange with the server."""

    def __init__(
        self,
        link: Link,
        publisher: Publisher,
        group: Group,
        handler: Handler,
        *,
        prefetch: int,
        attempts: int,
        pauses: Pauses,
        timeout: float,
    ) -> None:
        self._link = link
        self._publisher = publisher
        self.group = group
        self._handler = handler
        self._prefetch = prefetch
        self._attempts = attempts
        self._pauses = pauses
        self._timeout = timeout
        self._deliveries: set[Delivery] = set()
        self._arrived: deque[Delivery] = deque()
        self._ready: deque[Item] = deque()
        self._again_due: deque[Item] = deque()
        self._suspects: list[Item] = []
        self._retries: list[tuple[float, Item]] = []
        self._subscriptions: list[tuple[AbstractQueue, str]] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._lost = asyncio.Event()
        """Of the channel in use; a late word of an earlier one must not count."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Makes the queues and takes the first messages. Raises StoreError."""
        channel = await self._open()
        self._task = asyncio.create_task(self._run(channel), name=f"queue {self.group.queue}")

    async def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._task is not None:
            await self._task

    @property
    def ended(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def in_hand(self) -> int:
        """Parcels that this consumer has and that are not settled."""
        return sum(len(delivery.open) for delivery in self._deliveries)

    async def _open(self) -> AbstractChannel:
        self._lost = asyncio.Event()
        channel = await self._link.channel()
        try:
            await answered(self._consume(channel), self._timeout)
        except BaseException as error:
            if isinstance(error, StoreError):
                self._link.doubt(error)
            await self._leave(channel)
            raise
        return channel

    async def _leave(self, channel: AbstractChannel) -> None:
        """What was in hand cannot be acknowledged any more."""
        for held in (self._arrived, self._ready, self._again_due, self._suspects, self._retries, self._subscriptions):
            held.clear()
        self._deliveries.clear()
        await close_channel(channel, self._timeout)

    async def _consume(self, channel: AbstractChannel) -> None:
        lost = self._lost

        def on_lost(*_: object) -> None:
            lost.set()
            self._wake.set()

        channel.close_callbacks.add(on_lost)
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(on_lost)  # somebody deleted the queue
        queue = await self.group.declare(channel)
        unclaimed = await channel.get_queue(self.group.topic.unclaimed, ensure=False)
        await channel.set_qos(self._prefetch)
        for source in (queue, unclaimed):
            take = partial(self._take, channel=channel, unclaimed=source is unclaimed)
            self._subscriptions.append((source, await source.consume(take)))

    async def _take(self, message: AbstractIncomingMessage, channel: AbstractChannel, *, unclaimed: bool) -> None:
        if channel.is_closed:
            return
        delivery = Delivery.of(message, unclaimed=unclaimed)
        self._deliveries.add(delivery)
        self._arrived.append(delivery)
        self._wake.set()

    async def _run(self, channel: AbstractChannel) -> None:
        pause = self._pauses.reconnect
        opened: AbstractChannel | None = channel
        failing = False
        while not self._closing.is_set():
            try:
                if opened is None:
                    opened = await self._open()
                if failing:
                    log.info("queue %s: consuming again", self.group.queue)
                pause, failing = self._pauses.reconnect, False
                await self._work(opened)
                await self._put_back()
            except StoreError as error:
                if not failing and not self._closing.is_set():
                    log.warning("queue %s: %s; trying again until it works", self.group.queue, error)
                failing = True
            except Exception:
                log.exception("queue %s: the consumer failed; trying again", self.group.queue)
            finally:
                if opened is not None:
                    await self._leave(opened)
                opened = None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()
            pause = min(pause * 2, self._pauses.longest_reconnect)

    async def _work(self, channel: AbstractChannel) -> None:
        """Until it is closed. Raises StoreError when the channel is lost."""
        while not self._closing.is_set():
            self._wake.clear()
            if self._lost.is_set() or channel.is_closed:
                raise StoreError("the connection to the RabbitMQ server was lost")
            while self._arrived:
                await self._sort(self._arrived.popleft())
            now = time.monotonic()
            if batch := self._next_batch(now):
                await self._handle(batch)
                continue
            soonest = min((at - now for at, _ in self._retries), default=_LOOK)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(soonest, _LOOK))):
                    await self._wake.wait()

    async def _sort(self, delivery: Delivery) -> None:
        """A message is handled, unless it is not for the handler as it is."""
        if not delivery.ours:
            log.error("queue %s: a strange message becomes a dead letter", self.group.queue)
            await self._bury(delivery.bundle, FOREIGN)
        elif delivery.earlier >= LIMIT:
            log.error("queue %s: gave up on a message that was delivered %d times", self.group.queue, delivery.earlier)
            await self._bury(delivery.rest(), UNANSWERED)
        elif delivery.earlier >= SUSPECT and len(delivery.open) > 1:
            await self._publisher.put(self._again(delivery.rest(), most=1))
        elif delivery.unclaimed or len(delivery.open) > self._prefetch:
            # In parts no larger than a batch: the other consumers of the group get some of them.
            await self._publisher.put(self._again(delivery.rest(), self._prefetch))
        else:
            for item in items(delivery):
                (self._suspects if item.suspect(SUSPECT) else self._ready).append(item)
            return
        delivery.open.clear()
        await self._acknowledge(delivery)

    def _again(self, bundle: Bundle, most: int) -> list[Outgoing]:
        return [Outgoing(part, "", self.group.queue) for part in bundle.parts(most)]

    def _next_batch(self, now: float) -> list[Item]:
        due = [item for at, item in self._retries if at <= now]
        self._retries[:] = [(at, item) for at, item in self._retries if at > now]
        for item in due:
            (self._suspects if item.suspect(SUSPECT) else self._again_due).append(item)
        if self._suspects:
            # In no order, or those behind one that ends its consumer would never have their turn.
            return [self._suspects.pop(random.randrange(len(self._suspects)))]  # noqa: S311
        source = self._again_due or self._ready
        return [source.popleft() for _ in range(min(len(source), self._prefetch))]

    async def _handle(self, batch: Sequence[Item]) -> None:
        failed: Mapping[str, Exception]
        try:
            failed = await self._handler([item.parcel() for item in batch])
        except NotNow:
            due = time.monotonic() + self._pauses.retry
            self._retries += [(due, item) for item in batch]
            return
        except Exception as error:  # noqa: BLE001 - the batch failed, the consumer goes on
            failed = dict.fromkeys((item.id for item in batch), error)
        await self._settle(batch, failed)

    async def _settle(self, batch: Sequence[Item], failed: Mapping[str, Exception]) -> None:
        doomed: list[tuple[Item, Exception]] = []
        now = time.monotonic()
        for item in batch:
            error = failed.get(item.id)
            if error is None:
                del item.delivery.open[item.id]
                continue
            item.entry = replace(item.entry, failures=item.attempt)
            item.delivery.open[item.id] = item.entry
            if item.attempt < self._attempts:
                pause = min(self._pauses.retry * 2 ** (item.attempt - 1), self._pauses.longest_retry)
                item.attempt += 1
                self._retries.append((now + pause, item))
            else:
                doomed.append((item, error))
        await self._acknowledge_settled(batch)
        for item, error in doomed:
            reason = f"{type(error).__name__}: {error}"[:500]
            log.error("queue %s: gave up on %s: %s", self.group.queue, item.id, reason)
            await self._bury(Bundle(item.delivery.bundle.origin, (item.entry,)), reason)
            del item.delivery.open[item.id]
        if doomed:
            await self._acknowledge_settled(batch)

    async def _bury(self, bundle: Bundle, reason: str) -> None:
        await self._publisher.put([Outgoing(bundle, "", self.group.dead, burial(reason, time.time()))])

    async def _acknowledge_settled(self, batch: Sequence[Item]) -> None:
        for delivery in {item.delivery for item in batch} & self._deliveries:
            if not delivery.open:
                await self._acknowledge(delivery)

    async def _acknowledge(self, delivery: Delivery) -> None:
        await answered(delivery.message.ack(), self._timeout)
        self._deliveries.discard(delivery)

    async def _put_back(self) -> None:
        """What is in hand goes into the queue anew. Left to the server it would come again, too, but counted as an attempt
        that was never made."""
        for queue, tag in self._subscriptions:
            await answered(queue.cancel(tag), self._timeout)
        await asyncio.sleep(0)  # what arrived before the answer is in a task of its own
        for delivery in [delivery for delivery in self._deliveries if delivery.ours]:
            await self._publisher.put(self._again(delivery.rest(), self._prefetch))
            await self._acknowledge(delivery)
