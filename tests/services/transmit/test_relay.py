"""The outbox reaches the queue at least once, also through failures of either store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from services.stores.ports import Parcel, StoreError
from services.transmit.relay import BATCH, Relay
from tests.testbed.messaging import rows
from tests.testbed.runtime import TestRuntime


async def put(runtime: TestRuntime, topic: str, *events: bytes) -> None:
    await runtime.database.write(
        lambda connection: connection.insert_many(
            "outbox", ("topic", "event", "created_at"), [(topic, event, 0) for event in events]
        )
    )


class Consumer:
    """Collects what arrives in a topic."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle(self, parcels: Sequence[Parcel]) -> dict[str, Exception]:
        self.got += [parcel.payload for parcel in parcels]
        return {}

    async def wait(self, count: int) -> list[bytes]:
        async with asyncio.timeout(10):
            while len(self.got) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.got


@pytest_asyncio.fixture
async def consumer(runtime: TestRuntime) -> AsyncIterator[Consumer]:
    made = Consumer()
    consumption = await runtime.queue.consume("topic", "group", made.handle)
    yield made
    await consumption.close()


async def test_events_reach_the_queue_in_order_and_leave_the_outbox(runtime: TestRuntime, consumer: Consumer) -> None:
    events = [b"%d" % number for number in range(BATCH + 20)]
    await put(runtime, "topic", *events)
    relay = Relay(runtime.database, runtime.queue)
    assert await relay.relay_once() == BATCH
    assert await relay.relay_once() == 20
    assert await relay.relay_once() == 0
    assert await consumer.wait(len(events)) == events
    assert await rows(runtime, "SELECT 1 FROM outbox") == []


async def test_events_of_several_topics_do_not_mix(runtime: TestRuntime, consumer: Consumer) -> None:
    for topic, event in (("topic", b"1"), ("other", b"2"), ("topic", b"3")):
        await put(runtime, topic, event)
    await Relay(runtime.database, runtime.queue).relay_once()
    assert await consumer.wait(2) == [b"1", b"3"]


async def test_a_woken_relay_does_not_wait_for_its_poll(runtime: TestRuntime, consumer: Consumer) -> None:
    relay = Relay(runtime.database, runtime.queue, poll=60)
    relay.start()
    await asyncio.sleep(0.05)
    await put(runtime, "topic", b"1")
    relay.wake()
    assert await consumer.wait(1) == [b"1"]
    await relay.stop()


async def test_an_event_nobody_told_of_is_found_by_the_poll(runtime: TestRuntime, consumer: Consumer) -> None:
    relay = Relay(runtime.database, runtime.queue, poll=0.02)
    relay.start()
    await put(runtime, "topic", b"1")
    assert await consumer.wait(1) == [b"1"]
    await relay.stop()


async def test_events_wait_while_the_queue_is_away(
    runtime: TestRuntime, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, failures = runtime.queue.publish, [StoreError("away"), StoreError("away")]

    async def flaky(topic: str, payloads: Sequence[bytes]) -> None:
        if failures:
            raise failures.pop()
        await publish(topic, payloads)

    monkeypatch.setattr(runtime.queue, "publish", flaky)
    monkeypatch.setattr("services.transmit.relay.LONGEST_PAUSE", 0.01)
    await put(runtime, "topic", b"1")
    relay = Relay(runtime.database, runtime.queue, poll=0.02)
    relay.start()
    assert await consumer.wait(1) == [b"1"]
    await relay.stop()


async def test_several_relays_lose_nothing(runtime: TestRuntime, consumer: Consumer) -> None:
    events = [b"%d" % number for number in range(200)]
    await put(runtime, "topic", *events)
    relays = [Relay(runtime.database, runtime.queue) for _ in range(3)]
    await asyncio.gather(*(relay.relay_once() for relay in relays))
    await consumer.wait(200)
    assert set(consumer.got) == set(events)
    assert await rows(runtime, "SELECT 1 FROM outbox") == []


async def test_what_comes_right_after_a_batch_shares_the_next_one(
    runtime: TestRuntime, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[int] = []
    publish = runtime.queue.publish

    async def counted(topic: str, payloads: Sequence[bytes]) -> None:
        published.append(len(payloads))
        await publish(topic, payloads)

    monkeypatch.setattr(runtime.queue, "publish", counted)
    monkeypatch.setattr("services.transmit.relay.GAP", 0.5)
    relay = Relay(runtime.database, runtime.queue, poll=60)
    relay.start()
    for number in range(10):
        await put(runtime, "topic", b"%d" % number)
        relay.wake()
    assert await consumer.wait(10) == [b"%d" % number for number in range(10)]
    assert len(published) <= 3
    await relay.stop()
