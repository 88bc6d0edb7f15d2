"""Redis adapters against a server that is away, refuses, dies in the middle and comes back."""

import asyncio
import signal

import pytest

from services.stores import redis_cache
from services.stores.access import Access
from services.stores.ports import Instance, StoreError
from services.stores.redis_cache import RedisCache
from services.stores.redis_consumption import Timing
from services.stores.redis_queue import RedisQueue
from services.stores.redis_registry import RedisRegistry, Terms
from tests.testbed.process import free_ports
from tests.testbed.proxy import Proxy


def cache_on(server, **options):
    return RedisCache(server.url, server.access, timeout=options.pop("timeout", 1.0), **options)


async def until(attempt, timeout=15.0):
    """Repeats while the server is away; a StoreError is the only error that may be seen."""
    async with asyncio.timeout(timeout):
        while True:
            try:
                if await attempt():
                    return
            except StoreError as error:
                assert error.retryable
            await asyncio.sleep(0.05)


async def test_a_server_that_is_not_there_is_a_store_error_that_may_pass():
    cache = RedisCache(f"redis://127.0.0.1:{free_ports(1)[0]}/0", Access(password="secret-word"), timeout=0.5)
    for call in (cache.get("k"), cache.ping(), cache.subscribe("c"), cache.publish("c", b"1"), cache.increment("n")):
        with pytest.raises(StoreError) as caught:
            await call
        assert caught.value.retryable
        assert "secret-word" not in str(caught.value)
    await cache.close()


async def test_a_wrong_password_is_an_error_that_does_not_pass_and_does_not_show_it(valkey):
    cache = RedisCache(valkey.url, Access(password="wrong-word"))
    with pytest.raises(StoreError, match="password") as caught:
        await cache.get("k")
    assert not caught.value.retryable
    assert "wrong-word" not in str(caught.value)
    await cache.close()


async def test_the_cache_works_again_when_its_server_is_back(own_valkey):
    cache = cache_on(own_valkey)
    await cache.set("k", b"1")
    own_valkey.process.kill()
    with pytest.raises(StoreError):
        await cache.get("k")
    own_valkey.start()

    async def works():
        return await cache.set("k", b"2")

    await until(works)
    await cache.close()


async def test_a_server_that_hangs_is_a_store_error_within_the_timeout(own_valkey):
    cache = cache_on(own_valkey, timeout=0.3)
    await cache.ping()
    own_valkey.process.signal(signal.SIGSTOP)
    started = asyncio.get_running_loop().time()
    with pytest.raises(StoreError, match="in time"):
        await cache.get("k")
    assert asyncio.get_running_loop().time() - started < 5
    own_valkey.process.signal(signal.SIGCONT)
    await cache.ping()
    await cache.close()


async def test_a_call_that_was_not_answered_is_not_made_again(own_valkey):
    async with Proxy("127.0.0.1", own_valkey.port) as link:
        cache = RedisCache(f"redis://127.0.0.1:{link.port}/0", own_valkey.access, timeout=0.3)
        await cache.ping()
        link.freeze()
        with pytest.raises(StoreError, match="in time"):
            await cache.get("k")
        assert link.accepted == 1
        link.restore()
        await cache.close()


async def test_a_subscription_says_when_it_was_made_again(own_valkey):
    cache = cache_on(own_valkey)
    renewed = asyncio.Event()
    subscription = await cache.subscribe("c", "d", renewed=renewed.set)

    async def listen():
        async for _ in subscription:
            pass

    listening = asyncio.create_task(listen())
    await cache.publish("c", b"1")
    assert not renewed.is_set()
    own_valkey.process.kill()
    own_valkey.start()
    await asyncio.wait_for(renewed.wait(), 15)
    assert await cache.publish("c", b"2") == await cache.publish("d", b"2") == 1
    await subscription.close()
    await listening
    await cache.close()


async def test_a_subscription_notices_a_server_that_vanished_without_a_sign(own_valkey, monkeypatch):
    monkeypatch.setattr(redis_cache, "SILENCE", 0.2)
    monkeypatch.setattr(redis_cache, "ANSWER", 3.0)
    async with Proxy("127.0.0.1", own_valkey.port) as link:
        cache = RedisCache(f"redis://127.0.0.1:{link.port}/0", own_valkey.access, timeout=3.0)
        renewed = asyncio.Event()
        subscription = await cache.subscribe("c", renewed=renewed.set)
        got = []

        async def listen():
            async for _, payload in subscription:
                got.append(payload)

        listening = asyncio.create_task(listen())
        connection = subscription._pubsub.connection
        await asyncio.sleep(1.0)
        assert not renewed.is_set()  # a server that has nothing to say answers
        link.freeze()
        async with asyncio.timeout(30):
            while connection.is_connected:  # noqa: ASYNC110 - the library gives no sign
                await asyncio.sleep(0.02)
        link.restore()
        await asyncio.wait_for(renewed.wait(), 30)
        await cache.publish("c", b"after")

        async def heard():
            return got == [b"after"]

        await until(heard)
        await subscription.close()
        await listening
        await cache.close()


async def test_a_subscription_goes_on_after_its_server_was_killed(own_valkey):
    cache = cache_on(own_valkey)
    subscription = await cache.subscribe("c")
    got = []

    async def listen():
        async for _, payload in subscription:
            got.append(payload)

    listening = asyncio.create_task(listen())
    await cache.publish("c", b"before")
    own_valkey.process.kill()
    own_valkey.start()

    async def heard():
        await cache.publish("c", b"after")
        await asyncio.sleep(0.05)
        return b"after" in got

    await until(heard)
    assert got[0] == b"before"
    await subscription.close()
    await listening
    await cache.close()


async def test_no_queued_payload_is_lost_when_the_server_is_killed_again_and_again(own_valkey):
    timing = Timing(block=0.1, stale=1.0, retry=0.02, longest_retry=0.1, trim=0.1)
    queue = RedisQueue(own_valkey.url, own_valkey.access, consumer="one", timeout=1.0, timing=timing)
    got = set()

    async def handler(parcels):
        got.update(parcel.payload for parcel in parcels)
        return {}

    await queue.consume("t", "g", handler, prefetch=5)
    accepted = set()
    for round_ in range(3):
        for number in range(40):
            payload = f"{round_}.{number}".encode()

            async def publish(payload=payload):
                await queue.publish("t", [payload])
                return True

            await until(publish)
            accepted.add(payload)
            if number == 20:
                await asyncio.sleep(1.1)  # the server syncs its file once a second
                own_valkey.process.kill()
                own_valkey.start()

    async def everything():
        return accepted <= got

    await until(everything)

    async def empty():
        return await queue.depth("t", "g") == 0

    await until(empty)
    assert await queue.dead_letters("t", "g") == []
    await queue.close()


async def test_a_queue_whose_server_lost_its_data_goes_on_with_what_comes(own_valkey):
    queue = RedisQueue(
        own_valkey.url, own_valkey.access, consumer="one", timeout=1.0, timing=Timing(block=0.05, retry=0.02)
    )
    got = []

    async def handler(parcels):
        got.extend(parcel.payload for parcel in parcels)
        return {}

    await queue.consume("t", "g", handler)
    await queue._redis.flushall()
    await queue.publish("t", [b"1"])

    async def arrived():
        return got == [b"1"]

    await until(arrived)
    await queue.close()


async def test_acknowledged_entries_are_removed_from_the_server(own_valkey):
    queue = RedisQueue(
        own_valkey.url, own_valkey.access, consumer="one", timing=Timing(block=0.05, trim=0.1, retry=0.05)
    )
    fail = True

    async def handler(parcels):
        return {parcel.id: ValueError("later") for parcel in parcels if parcel.payload == b"500" and fail}

    await queue.consume("t", "g", handler, attempts=1000)
    await queue.publish("t", [str(number).encode() for number in range(1000)])

    async def half():
        return await queue._redis.xlen("queue:t") == 500

    await until(half)
    fail = False

    async def all_gone():
        return await queue._redis.xlen("queue:t") == 0

    await until(all_gone)
    await queue.close()


async def test_a_registry_server_without_its_data_makes_nobody_vanish(own_valkey):
    terms = Terms(ttl=2.0, renew=0.2, poll=0.1)
    registry = RedisRegistry(own_valkey.url, own_valkey.access, terms=terms)
    watching = RedisRegistry(own_valkey.url, own_valkey.access, terms=terms)
    one = Instance("user", "one", "127.0.0.1:1001")
    await registry.register(one)
    history = []
    await watching.watch(lambda service, instances: history.append((service, instances)))
    own_valkey.process.kill()
    for file in own_valkey.directory.glob("appendonlydir/*"):
        file.unlink()
    own_valkey.start()

    async def registered_again():
        return await watching.instances("user") == [one]

    await until(registered_again)
    assert history == [("user", [one])]
    await registry.close()
    await watching.close()


async def test_an_entry_that_is_not_of_the_queue_does_not_stop_its_consumer(own_valkey):
    queue = RedisQueue(own_valkey.url, own_valkey.access, consumer="one")
    got = []

    async def handler(parcels):
        got.extend(parcel.payload for parcel in parcels)
        return {parcel.id: ValueError("strange") for parcel in parcels if not parcel.payload}

    await queue._redis.xadd("queue:t", {"strange": "entry"})
    await queue.publish("t", [b"1"])
    await queue.consume("t", "g", handler, attempts=1)

    async def dead():
        return b"1" in got and [letter.payload for letter in await queue.dead_letters("t", "g")] == [b""]

    await until(dead)
    await queue.close()
