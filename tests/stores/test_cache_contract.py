"""What every Cache adapter promises."""

import asyncio

import pytest


async def until(condition, timeout=5.0):
    async with asyncio.timeout(timeout):
        while not await condition():  # noqa: ASYNC110 - the store gives no sign
            await asyncio.sleep(0.01)


async def test_a_key_that_was_never_set_is_none(cache):
    assert await cache.get("k") is None


async def test_values_are_bytes_of_any_kind(cache):
    value = bytes(range(256)) * 1000
    assert await cache.set("k", value)
    assert await cache.get("k") == value
    assert await cache.set("k", b"")
    assert await cache.get("k") == b""


async def test_only_new_leaves_what_is_there(cache):
    assert await cache.set("k", b"1", only_new=True)
    assert not await cache.set("k", b"2", only_new=True)
    assert await cache.get("k") == b"1"


async def test_a_key_vanishes_after_its_time(cache):
    await cache.set("k", b"1", ttl=0.05)
    assert await cache.get("k") == b"1"

    async def gone():
        return await cache.get("k") is None

    await until(gone)


async def test_reading_a_key_can_extend_its_life_and_makes_none(cache):
    await cache.set("k", b"1", ttl=0.3)
    assert await cache.get("k", extend=1000) == b"1"
    assert await cache.get("nothing", extend=1000) is None
    await asyncio.sleep(0.4)
    assert await cache.get_many(["k", "nothing"]) == [b"1", None]


async def test_a_value_is_replaced_only_if_it_is_still_the_one_that_was_read(cache):
    await cache.set("k", b"1")
    assert not await cache.replace("k", b"other", b"2", ttl=1000)
    assert not await cache.replace("nothing", b"", b"2", ttl=1000)
    results = await asyncio.gather(*(cache.replace("k", b"1", b"%d" % number, ttl=1000) for number in range(2, 12)))
    assert sorted(results) == [False] * 9 + [True]
    assert await cache.get("nothing") is None


async def test_many_keys_come_back_in_order_with_none_for_missing_ones(cache):
    await cache.set("a", b"1")
    await cache.set("c", b"3")
    assert await cache.get_many(["a", "b", "c"]) == [b"1", None, b"3"]
    assert await cache.get_many([]) == []


async def test_delete_counts_what_was_there(cache):
    await cache.set("a", b"1")
    assert await cache.delete("a", "b") == 1
    assert await cache.delete("a") == 0
    assert await cache.delete() == 0


async def test_a_counter_begins_at_zero_and_keeps_the_time_of_its_first_increment(cache):
    assert await cache.increment("n", ttl=0.3) == 1
    assert await cache.increment("n", 5, ttl=1000) == 6

    async def gone():
        return await cache.get("n") is None

    await until(gone)
    assert await cache.increment("n") == 1


async def test_concurrent_increments_lose_none(cache):
    results = await asyncio.gather(*(cache.increment("n") for _ in range(100)))
    assert sorted(results) == list(range(1, 101))


async def test_of_several_takers_one_gets_the_value(cache):
    await cache.set("k", b"1")
    results = await asyncio.gather(*(cache.take("k") for _ in range(20)))
    assert sorted(result is not None for result in results) == [False] * 19 + [True]


async def test_sets_have_members_and_expire(cache):
    await cache.set_add("s", "a", ttl=100)
    await cache.set_add("s", "b", ttl=100)
    await cache.set_add("s", "b", ttl=100)
    await cache.set_add("t", "会", ttl=0.05)
    await cache.set_remove("s", "a")
    await cache.set_remove("s", "nobody")
    assert (await cache.set_members(["s", "none"])) == [{"b"}, set()]
    assert await cache.set_members([]) == []

    async def gone():
        return await cache.set_members(["t"]) == [set()]

    await until(gone)


async def test_subscribers_get_what_is_published_to_their_channels(open_cache):
    cache, other = await open_cache(), await open_cache()
    subscription = await cache.subscribe("a", "b")
    assert await other.publish("a", b"\x00\xff") == 1
    assert await other.publish("c", b"for nobody") == 0
    assert await other.publish("b", b"2") == 1
    got = []
    async for item in subscription:
        got.append(item)
        if len(got) == 2:
            break
    assert got == [("a", b"\x00\xff"), ("b", b"2")]
    await subscription.close()


async def test_a_closed_subscription_ends_its_loop(cache):
    subscription = await cache.subscribe("a")

    async def listen():
        return [item async for item in subscription]

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.05)
    await subscription.close()
    assert await asyncio.wait_for(listening, 5) == []
    assert await cache.publish("a", b"1") == 0


async def test_ping_passes(cache):
    await cache.ping()


@pytest.mark.parametrize("key", ["with space", "会话", "a\nb", "x" * 1000])
async def test_any_text_is_a_key(cache, key):
    await cache.set(key, b"1")
    assert await cache.get(key) == b"1"
