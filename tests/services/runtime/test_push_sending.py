"""A cache that is behind slows senders down; one that hangs stops nobody."""

from __future__ import annotations

import asyncio

import pytest

from services.protocol.gateway_pb2 import Delivery, DeliveryBatch
from services.runtime import push_sending
from services.runtime.push import PushTally
from services.runtime.push_sending import Sending
from services.stores.ports import StoreError


class Link:
    """Carries batches while it is `open`, and fails when it is `broken`."""

    def __init__(self) -> None:
        self.carried: list[int] = []
        self.open = asyncio.Event()
        self.broken = False

    async def send(self, batches: list[DeliveryBatch]) -> None:
        await self.open.wait()
        if self.broken:
            raise StoreError("away")
        self.carried += [batch.delivery[0].seq for batch in batches]


def batch(seq: int) -> DeliveryBatch:
    return DeliveryBatch(delivery=[Delivery(user_id=["bob"], seq=seq)])


async def test_whoever_hands_over_waits_until_it_was_sent() -> None:
    link = Link()
    sending = Sending(link.send, PushTally(), patience=3600.0)
    waiting = asyncio.create_task(sending.hand_over(batch(1)))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    link.open.set()
    await asyncio.wait_for(waiting, 5)
    assert link.carried == [1]


async def test_nobody_waits_for_a_link_that_hangs_and_everything_arrives_in_order_when_it_goes_on() -> None:
    link = Link()
    tally = PushTally()
    sending = Sending(link.send, tally, patience=0.05)
    async with asyncio.timeout(10):
        await asyncio.gather(*(sending.hand_over(batch(number)) for number in range(5)))
        for number in range(5, 20):
            await sending.hand_over(batch(number))
        assert link.carried == []
        link.open.set()
        await sending.finish()
    assert link.carried == list(range(20))
    assert tally.dropped_cache == 0


async def test_after_a_link_that_hung_has_answered_senders_wait_for_it_again() -> None:
    link = Link()
    sending = Sending(link.send, PushTally(), patience=0.05)
    async with asyncio.timeout(10):
        await sending.hand_over(batch(1))
        link.open.set()
        await sending.finish()
        await sending.hand_over(batch(2))
    assert link.carried == [1, 2]


async def test_what_a_broken_link_does_not_take_is_counted() -> None:
    link, tally = Link(), PushTally()
    link.broken = True
    link.open.set()
    await Sending(link.send, tally).hand_over(batch(1))
    assert (link.carried, tally.dropped_cache) == ([], 1)


async def test_what_waits_for_a_link_that_hangs_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_sending, "MOST_BYTES", 5 * batch(100).ByteSize())
    link, tally = Link(), PushTally()
    sending = Sending(link.send, tally, patience=0.01)
    async with asyncio.timeout(10):
        await sending.hand_over(batch(100))
        for number in range(101, 111):
            await sending.hand_over(batch(number))
        link.open.set()
        await sending.finish()
    assert link.carried == list(range(100, 106))
    assert tally.dropped_backlog == 5
