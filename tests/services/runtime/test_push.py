"""The push bus between processes, on a real cache."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from services.protocol.gateway_pb2 import Delivery, DeliveryBatch
from services.runtime.presence import PresencePushBus, channel, presence_key
from services.stores.ports import StoreError
from services.stores.redis_cache import RedisCache
from tests.testbed.runtime import valkey  # noqa: F401 - a fixture
from tests.testbed.valkey import Valkey

_prefixes = itertools.count()


class Replica:
    """A gateway as the bus sees it."""

    def __init__(self, bus: PresencePushBus) -> None:
        self.bus = bus
        self.got: list[DeliveryBatch] = []
        bus.attach(self.got.append)

    def users(self) -> list[list[str]]:
        return [list(delivery.user_id) for batch in self.got for delivery in batch.delivery]


@pytest_asyncio.fixture
async def cache(valkey: Valkey) -> AsyncIterator[RedisCache]:  # noqa: F811
    made = RedisCache(valkey.url, valkey.access, prefix=f"push{next(_prefixes)}:")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def replicas(cache: RedisCache) -> AsyncIterator[list[Replica]]:
    made = [Replica(PresencePushBus(cache, f"gateway-{index}")) for index in range(3)]
    for replica in made:
        await replica.bus.start()
    yield made
    for replica in made:
        await replica.bus.close()


def to(*users: str, seq: int = 0) -> DeliveryBatch:
    return DeliveryBatch(delivery=[Delivery(user_id=users, seq=seq)])


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - another task's list
            await asyncio.sleep(0.005)


async def test_a_batch_goes_to_the_replicas_of_its_users_and_to_no_others(replicas: list[Replica]) -> None:
    first, second, third = replicas
    await first.bus.online("alice")
    await second.bus.online("bob")
    await second.bus.online("carol")
    await first.bus.publish(to("alice", "bob", "carol", "nobody"))
    await eventually(lambda: second.got)
    assert second.users() == [["bob", "carol"]]
    assert first.users() == [["alice", "bob", "carol", "nobody"]]
    await asyncio.sleep(0.05)
    assert third.got == [] and len(first.got) == len(second.got) == 1


async def test_a_user_on_two_replicas_is_reached_on_both(replicas: list[Replica]) -> None:
    first, second, third = replicas
    await second.bus.online("bob")
    await third.bus.online("bob")
    await first.bus.publish(to("bob"))
    await eventually(lambda: second.got and third.got)


async def test_a_process_without_connections_can_publish(cache: RedisCache, replicas: list[Replica]) -> None:
    await replicas[0].bus.online("alice")
    bus = PresencePushBus(cache, "transmit-1")
    await bus.publish(to("alice"))
    await eventually(lambda: replicas[0].got)
    await bus.close()


async def test_batches_keep_their_order(replicas: list[Replica]) -> None:
    await replicas[1].bus.online("bob")
    await asyncio.gather(*(replicas[0].bus.publish(to("bob", seq=seq)) for seq in range(200)))
    await eventually(lambda: sum(len(batch.delivery) for batch in replicas[1].got) == 200)
    assert [delivery.seq for batch in replicas[1].got for delivery in batch.delivery] == list(range(200))


async def test_revocations_reach_every_replica(replicas: list[Replica]) -> None:
    await replicas[0].bus.publish(DeliveryBatch(revoked_session=["s"], revoked_user=["u"]))
    await eventually(lambda: all(replica.got for replica in replicas))
    for replica in replicas:
        assert (list(replica.got[0].revoked_session), list(replica.got[0].revoked_user)) == (["s"], ["u"])


async def test_a_user_who_left_is_not_pushed_to(replicas: list[Replica]) -> None:
    await replicas[1].bus.online("bob")
    await replicas[1].bus.offline("bob")
    await replicas[0].bus.publish(to("bob"))
    await asyncio.sleep(0.05)
    assert replicas[1].got == []


async def test_a_quick_off_and_on_ends_online(cache: RedisCache, replicas: list[Replica]) -> None:
    bus = replicas[0].bus
    await bus.online("bob")
    await asyncio.gather(bus.offline("bob"), bus.online("bob"), bus.offline("bob"), bus.online("bob"))
    assert await cache.set_members([presence_key("bob")]) == [{"gateway-0"}]


async def test_a_replica_that_stops_takes_its_users_off(cache: RedisCache, replicas: list[Replica]) -> None:
    await replicas[0].bus.online("bob")
    await replicas[0].bus.close()
    assert await cache.set_members([presence_key("bob")]) == [set()]


async def test_the_presence_of_a_lost_replica_expires_and_that_of_a_live_one_does_not(cache: RedisCache) -> None:
    lost = PresencePushBus(cache, "lost", presence_ttl=0.3)
    live = PresencePushBus(cache, "live", presence_ttl=2.0)
    for bus in (lost, live):
        bus.attach(lambda batch: None)
        await bus.start()
    await lost.online("alice")
    await live.online("bob")
    for task in lost._tasks:
        task.cancel()
    await asyncio.sleep(2.2)
    assert await cache.set_members([presence_key("alice"), presence_key("bob")]) == [set(), {"live"}]
    await lost.close()
    await live.close()


async def test_a_lost_replica_is_forgotten_by_the_first_batch_that_finds_nobody(
    cache: RedisCache, replicas: list[Replica]
) -> None:
    await cache.set_add(presence_key("bob"), "lost")
    await replicas[1].bus.online("bob")
    await replicas[0].bus.publish(to("bob"))
    await eventually(lambda: replicas[1].got)
    await eventually(lambda: replicas[0].bus._sending.idle)
    assert await cache.set_members([presence_key("bob")]) == [{"gateway-1"}]


async def test_what_is_no_batch_does_not_stop_the_receiving(cache: RedisCache, replicas: list[Replica]) -> None:
    await replicas[0].bus.online("bob")
    await cache.publish(channel("gateway-0"), b"\xff\xff")
    await replicas[1].bus.publish(to("bob"))
    await eventually(lambda: replicas[0].got)


class CacheThatIsAway(RedisCache):
    async def set_members(self, keys):
        raise StoreError("away")

    async def set_add(self, key, member, *, ttl=None):
        raise StoreError("away")


async def test_without_the_cache_own_connections_are_still_served(valkey: Valkey) -> None:  # noqa: F811
    cache = CacheThatIsAway(valkey.url, valkey.access)
    replica = Replica(PresencePushBus(cache, "gateway"))
    await replica.bus.start()
    await replica.bus.online("bob")
    await asyncio.wait_for(replica.bus.publish(to("bob")), 5)
    assert replica.users() == [["bob"]]
    await replica.bus.close()
    await cache.close()


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Valkey, Replica, Replica]]:
    """Two replicas on a cache of their own, which never renew by themselves."""
    server = Valkey(tmp_path / "own")
    server.start()
    caches = [RedisCache(server.url, server.access, timeout=1.0) for _ in range(2)]
    made = [
        Replica(PresencePushBus(cache, name, presence_ttl=3600.0))
        for cache, name in zip(caches, ("here", "there"), strict=True)
    ]
    for replica in made:
        await replica.bus.start()
    yield server, made[0], made[1]
    for replica in made:
        await replica.bus.close()
    for cache in caches:
        await cache.close()
    server.process.stop()


async def reaches(sender: Replica, receiver: Replica, user: str) -> None:
    """Pushes again and again, as people go on talking."""
    async with asyncio.timeout(20):
        while [user] not in receiver.users():
            await sender.bus.publish(to(user))
            await asyncio.sleep(0.05)


async def test_a_cache_that_comes_back_empty_is_told_anew_who_is_where(two: tuple[Valkey, Replica, Replica]) -> None:
    server, here, there = two
    await there.bus.online("bob")
    server.process.kill()
    shutil.rmtree(server.directory / "appendonlydir")
    server.start()
    await reaches(here, there, "bob")


async def test_who_connects_while_the_cache_is_away_is_reached_when_it_is_back(
    two: tuple[Valkey, Replica, Replica],
) -> None:
    server, here, there = two
    server.process.kill()
    await there.bus.online("bob")
    await there.bus.online("ann")
    await there.bus.offline("ann")
    server.start()
    await reaches(here, there, "bob")
    assert ["ann"] not in there.users()


class CountingCache(RedisCache):
    """Counts what is asked of it."""

    calls = 0

    async def set_members(self, keys):
        self.calls += 1
        return await super().set_members(keys)

    async def set_add(self, key, member, *, ttl=None):
        self.calls += 1
        await super().set_add(key, member, ttl=ttl)


@pytest_asyncio.fixture
async def counting(valkey: Valkey) -> AsyncIterator[CountingCache]:  # noqa: F811
    made = CountingCache(valkey.url, valkey.access, prefix=f"push{next(_prefixes)}:")
    yield made
    await made.close()


async def hosting_all(cache: RedisCache, name: str, **options: Any) -> Replica:
    replica = Replica(PresencePushBus(cache, name, single_process=True, **options))
    await replica.bus.start()
    return replica


async def test_one_process_alone_asks_the_cache_nothing(counting: CountingCache) -> None:
    alone = await hosting_all(counting, "alone")
    await alone.bus.online("bob")
    await alone.bus.publish(to("bob"))
    assert alone.users() == [["bob"]]
    assert counting.calls == 0
    await alone.bus.close()


async def test_two_processes_that_share_the_ports_for_a_while_reach_each_others_clients(
    counting: CountingCache,
) -> None:
    old = await hosting_all(counting, "old")
    await old.bus.online("alice")
    new = await hosting_all(counting, "new")
    await new.bus.online("bob")
    await old.bus.publish(to("bob", seq=1))
    await new.bus.publish(to("alice", seq=2))
    await eventually(lambda: new.got and old.got[1:])
    await old.bus.close()
    await eventually(lambda: new.bus._alone)
    calls = counting.calls
    await new.bus.publish(to("bob", seq=3))
    assert [delivery.seq for batch in new.got for delivery in batch.delivery] == [1, 2, 3]
    assert counting.calls == calls
    await new.bus.close()


async def test_a_process_and_the_gateways_that_take_its_place_reach_each_others_clients(cache: RedisCache) -> None:
    old = await hosting_all(cache, "old")
    await old.bus.online("alice")
    gateway = Replica(PresencePushBus(cache, "gateway"))
    await gateway.bus.start()
    await gateway.bus.online("bob")
    transmit = PresencePushBus(cache, "transmit")
    await transmit.publish(to("alice", "bob"))
    await old.bus.publish(to("bob"))
    await eventually(lambda: old.got and len(gateway.got) == 2)
    for bus in (old.bus, gateway.bus, transmit):
        await bus.close()


async def test_a_neighbour_that_died_is_forgotten(counting: CountingCache) -> None:
    alive = await hosting_all(counting, "alive", presence_ttl=0.3)
    dead = await hosting_all(counting, "dead", presence_ttl=1000)
    assert not alive.bus._alone
    for task in dead.bus._tasks:
        task.cancel()
    await eventually(lambda: alive.bus._alone)
    await alive.bus.close()
    await dead.bus.close()
