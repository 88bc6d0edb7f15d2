"""What every Queue adapter promises: at least once, in hand until acknowledged, dead letters with a reason."""

import asyncio
import time

import pytest

from services.stores.ports import NotNow


class Handler:
    """Remembers every parcel; fails those whose payload `fail` holds."""

    def __init__(self, fail=()):
        self.parcels = []
        self.fail = set(fail)
        self.changed = asyncio.Event()

    async def __call__(self, parcels):
        self.parcels.extend(parcels)
        self.changed.set()
        return {parcel.id: ValueError("no good") for parcel in parcels if parcel.payload in self.fail}

    @property
    def payloads(self):
        return [parcel.payload for parcel in self.parcels]

    async def until(self, condition, timeout=10.0):
        async with asyncio.timeout(timeout):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


async def eventually(condition, timeout=10.0):
    async with asyncio.timeout(timeout):
        while not await condition():  # noqa: ASYNC110 - the store gives no sign
            await asyncio.sleep(0.02)


@pytest.fixture
async def queue(open_queue):
    return await open_queue()


async def test_payloads_arrive_in_order_and_whole(queue):
    payloads = [bytes([number % 256]) * 10 for number in range(500)]
    handler = Handler()
    await queue.consume("t", "g", handler)
    await queue.publish("t", payloads)
    await handler.until(lambda: len(handler.parcels) == 500)
    assert handler.payloads == payloads
    assert {parcel.attempt for parcel in handler.parcels} == {1}


async def test_what_was_published_before_the_first_consumer_waits_for_it(queue):
    await queue.publish("t", [b"1"])
    assert await queue.depth("t", "g") == 1
    handler = Handler()
    await queue.consume("t", "g", handler)
    await handler.until(lambda: handler.payloads == [b"1"])


async def test_every_group_gets_everything(queue):
    first, second = Handler(), Handler()
    await queue.consume("t", "a", first)
    await queue.consume("t", "b", second)
    await queue.publish("t", [b"1", b"2"])
    await first.until(lambda: len(first.parcels) == 2)
    await second.until(lambda: len(second.parcels) == 2)


async def test_consumers_of_one_group_share_the_work(open_queue):
    one, two = Handler(), Handler()
    queue, other = await open_queue("one"), await open_queue("two")
    await queue.consume("t", "g", one, prefetch=1)
    await other.consume("t", "g", two, prefetch=1)
    await queue.publish("t", [str(number).encode() for number in range(100)])

    async def all_there():
        return len(one.parcels) + len(two.parcels) == 100

    await eventually(all_there)
    assert sorted(int(payload) for payload in one.payloads + two.payloads) == list(range(100))


async def test_prefetch_bounds_a_batch(queue):
    sizes = []

    async def handler(parcels):
        sizes.append(len(parcels))
        return {}

    await queue.publish("t", [b"x"] * 25)
    await queue.consume("t", "g", handler, prefetch=10)

    async def done():
        return sum(sizes) == 25

    await eventually(done)
    assert max(sizes) <= 10


async def test_depth_counts_what_is_not_acknowledged(queue):
    gate = asyncio.Event()

    async def slow(parcels):
        await gate.wait()
        return {}

    await queue.consume("t", "g", slow, prefetch=2)
    await queue.publish("t", [b"1", b"2", b"3"])
    await asyncio.sleep(0.1)
    assert await queue.depth("t", "g") == 3
    gate.set()

    async def empty():
        return await queue.depth("t", "g") == 0

    await eventually(empty)
    assert await queue.depth("nothing", "g") == 0


async def test_a_parcel_that_failed_comes_again_with_its_attempt_and_disturbs_no_other(queue):
    handler = Handler(fail=[b"bad"])
    await queue.consume("t", "g", handler, attempts=10)
    await queue.publish("t", [b"good", b"bad", b"fine"])
    await handler.until(lambda: handler.payloads.count(b"bad") == 3)
    handler.fail.clear()
    await handler.until(lambda: handler.payloads.count(b"bad") == 4)
    assert [parcel.attempt for parcel in handler.parcels if parcel.payload == b"bad"] == [1, 2, 3, 4]
    assert handler.payloads.count(b"good") == handler.payloads.count(b"fine") == 1


async def test_after_the_last_attempt_a_parcel_is_a_dead_letter_with_its_reason(queue):
    handler = Handler(fail=[b"bad"])
    await queue.consume("t", "g", handler, attempts=3)
    await queue.publish("t", [b"bad"])

    async def dead():
        return len(await queue.dead_letters("t", "g")) == 1

    await eventually(dead)
    letter = (await queue.dead_letters("t", "g"))[0]
    assert (letter.topic, letter.payload, letter.attempts) == ("t", b"bad", 3)
    assert "no good" in letter.reason
    assert len(handler.parcels) == 3
    assert await queue.depth("t", "g") == 0


async def test_a_handler_that_raises_fails_its_whole_batch(queue):
    calls = []

    async def handler(parcels):
        calls.append([parcel.attempt for parcel in parcels])
        raise RuntimeError("broken")

    await queue.publish("t", [b"1", b"2"])
    await queue.consume("t", "g", handler, attempts=2)

    async def dead():
        return len(await queue.dead_letters("t", "g")) == 2

    await eventually(dead)
    assert sum(map(len, calls)) == 4


async def test_what_a_handler_cannot_take_now_comes_again_and_that_counts_as_no_attempt(queue):
    attempts = []
    taken = asyncio.Event()

    async def handler(parcels):
        attempts.extend(parcel.attempt for parcel in parcels)
        if len(attempts) < 6:
            raise NotNow("away")
        taken.set()
        return {}

    await queue.publish("t", [b"1"])
    for _ in range(2):  # whoever takes it after this consumer is told the same
        consumption = await queue.consume("t", "g", handler, attempts=2)
        seen = len(attempts)
        async with asyncio.timeout(20):
            while len(attempts) < seen + 3 and not taken.is_set():  # noqa: ASYNC110 - until the handler has gone on
                await asyncio.sleep(0.02)
        await consumption.close()
    assert set(attempts) == {1}

    async def settled():
        return await queue.depth("t", "g") == 0

    await queue.consume("t", "g", handler, attempts=2)
    async with asyncio.timeout(20):
        await taken.wait()
    await eventually(settled)
    assert await queue.dead_letters("t", "g") == []


async def test_dead_letters_are_replayed_to_their_own_group_only(queue):
    handler, bystander = Handler(fail=[b"1", b"2"]), Handler()
    await queue.consume("t", "g", handler, attempts=1)
    await queue.consume("t", "other", bystander)
    await queue.publish("t", [b"1", b"2"])

    async def dead():
        return len(await queue.dead_letters("t", "g")) == 2

    await eventually(dead)
    handler.fail.clear()
    handler.parcels.clear()
    first = (await queue.dead_letters("t", "g"))[0]
    assert await queue.replay("t", "g", [first.id, first.id]) == 1
    await handler.until(lambda: handler.payloads == [first.payload])
    assert await queue.replay("t", "g") == 1
    await handler.until(lambda: len(handler.parcels) == 2)
    assert await queue.dead_letters("t", "g") == []
    assert await queue.replay("t", "g") == 0

    async def passed_by():
        return await queue.depth("t", "other") == 0

    await eventually(passed_by)
    assert sorted(bystander.payloads) == [b"1", b"2"]


async def test_closing_a_consumption_waits_for_the_batch_in_hand(queue):
    done = []
    begun = asyncio.Event()

    async def slow(parcels):
        begun.set()
        await asyncio.sleep(0.1)
        done.extend(parcels)
        return {}

    consumption = await queue.consume("t", "g", slow, prefetch=1)
    await queue.publish("t", [b"1", b"2"])
    await begun.wait()
    await consumption.close()
    assert len(done) == 1
    assert await queue.depth("t", "g") == 1


async def test_what_a_killed_consumer_had_in_hand_goes_to_another(open_queue):
    killed, other = await open_queue("one"), await open_queue("two")

    async def hangs(parcels):
        await asyncio.Event().wait()

    consumption = await killed.consume("t", "g", hangs)
    await killed.publish("t", [b"1"])
    await asyncio.sleep(0.1)
    consumption._task.cancel()
    await asyncio.gather(consumption._task, return_exceptions=True)
    consumption._task = None
    handler = Handler()
    await other.consume("t", "g", handler)
    await handler.until(lambda: handler.payloads == [b"1"])
    assert handler.parcels[0].attempt == 2


async def test_a_slow_handler_keeps_its_batch(open_queue):
    slow_queue, other_queue = await open_queue("one"), await open_queue("two")
    finished = asyncio.Event()

    async def slow(parcels):
        await asyncio.sleep(1.5)  # more than twice the time after which an entry counts as abandoned
        finished.set()
        return {}

    await slow_queue.consume("t", "g", slow)
    await slow_queue.publish("t", [b"1"])
    await asyncio.sleep(0.1)
    handler = Handler()
    await other_queue.consume("t", "g", handler)
    await finished.wait()
    await asyncio.sleep(0.4)
    assert handler.parcels == []


async def test_a_consumer_started_again_under_its_name_goes_on_at_once(open_queue):
    queue = await open_queue("one")
    begun = asyncio.Event()

    async def hangs(parcels):
        begun.set()
        await asyncio.Event().wait()

    consumption = await queue.consume("t", "g", hangs)
    await queue.publish("t", [b"1"])
    await begun.wait()
    consumption._task.cancel()
    await asyncio.gather(consumption._task, return_exceptions=True)
    consumption._task = None
    handler = Handler()
    await (await open_queue("one")).consume("t", "g", handler)
    await handler.until(lambda: handler.payloads == [b"1"], timeout=0.5)


async def test_publishing_nothing_is_nothing(queue):
    await queue.publish("t", [])
    assert await queue.depth("t", "g") == 0


async def test_the_count_of_dead_letters_is_nothing_exactly_when_there_are_none(queue):
    handler = Handler(fail=[b"bad"])
    assert await queue.dead_depth("t", "g") == 0
    await queue.consume("t", "g", handler, attempts=1)
    await queue.publish("t", [b"good", b"bad"])

    async def counted():
        return await queue.dead_depth("t", "g") == 1

    await eventually(counted)
    handler.fail.clear()
    await queue.replay("t", "g")
    await handler.until(lambda: handler.payloads.count(b"bad") == 2)
    assert await queue.dead_depth("t", "g") == 0


async def test_ping_passes(queue):
    await queue.ping()


async def buried(queue, payloads):
    """A dead letter for each payload, in this order."""
    consumption = await queue.consume("t", "g", Handler(fail=payloads), attempts=1)
    for number, payload in enumerate(payloads, 1):
        await queue.publish("t", [payload])

        async def there(count=number):
            return await queue.dead_depth("t", "g") == count

        await eventually(there)
    await consumption.close()


async def kept(queue):
    return sorted(letter.payload for letter in await queue.dead_letters("t", "g"))


async def test_the_oldest_dead_letters_beyond_a_count_are_dropped(queue):
    await buried(queue, [b"1", b"2", b"3"])
    assert await queue.drop_dead_letters("t", "g", keep=3, before=0.0) == 0
    assert await queue.drop_dead_letters("t", "g", keep=2, before=0.0) == 1
    assert await kept(queue) == [b"2", b"3"]
    assert await queue.replay("t", "g") == 2


async def test_several_who_drop_dead_letters_at_the_same_time_drop_no_more_than_one_would(queue):
    await buried(queue, [b"%d" % number for number in range(8)])
    drops = [queue.drop_dead_letters("t", "g", keep=4, before=0.0) for _ in range(3)]
    assert sum(await asyncio.gather(*drops)) == 4
    assert await kept(queue) == [b"4", b"5", b"6", b"7"]


async def test_dead_letters_from_before_a_time_are_dropped_and_younger_ones_stay(queue):
    await buried(queue, [b"1", b"2"])
    assert await queue.drop_dead_letters("t", "g", keep=100, before=time.time() - 60) == 0
    assert await kept(queue) == [b"1", b"2"]
    assert await queue.drop_dead_letters("t", "g", keep=100, before=time.time() + 60) == 2
    assert await kept(queue) == []


async def test_where_no_dead_letter_was_ever_put_none_is_dropped(queue):
    assert await queue.drop_dead_letters("never", "g", keep=0, before=time.time()) == 0
