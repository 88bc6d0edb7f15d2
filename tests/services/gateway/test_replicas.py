"""Several gateways of one system: people are reached wherever they are connected."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator

import pytest_asyncio

from services.protocol import base_pb2, user_pb2
from services.protocol.notify_pb2 import NotifyMessage
from services.runtime.presence import PresencePushBus, presence_key
from services.stores.redis_cache import RedisCache
from tests.testbed.gateway import System, eventually, new_message, running, token_of
from tests.testbed.runtime import valkey  # noqa: F401 - a fixture
from tests.testbed.valkey import Valkey

_prefixes = itertools.count()


@pytest_asyncio.fixture
async def cache(valkey: Valkey) -> AsyncIterator[RedisCache]:  # noqa: F811
    made = RedisCache(valkey.url, valkey.access, prefix=f"replicas{next(_prefixes)}:")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def systems(cache: RedisCache) -> AsyncIterator[tuple[System, System]]:
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(PresencePushBus(cache, "gateway-1")))
        second = await stack.enter_async_context(running(PresencePushBus(cache, "gateway-2")))
        yield first, second


async def test_a_message_reaches_people_on_another_replica(systems: tuple[System, System]) -> None:
    first, second = systems
    bob = await second.connect("bob", protocol=0)
    carol = await first.connect("carol")
    phone = await second.connect("alice", device=2)
    await first.send("alice", "across", "r1")
    assert NotifyMessage.FromString(await bob.bytes()).new_message_info.message_info.sender.user_id == "alice"
    assert (await carol.frame()).event.seq == 1
    assert (await phone.frame()).event.request_id == "r1"


async def test_a_person_with_devices_on_two_replicas_hears_everything_once(systems: tuple[System, System]) -> None:
    first, second = systems
    devices = [await first.connect("bob"), await second.connect("bob", device=2)]
    sender = await first.connect("alice")
    for index in range(20):
        await sender.send(send=new_message(str(index), f"r{index}"))
    for device in devices:
        assert [(await device.frame()).event.seq for _ in range(20)] == list(range(1, 21))
        await device.silent(0.05)


async def test_a_logout_on_one_replica_closes_connections_on_the_other(systems: tuple[System, System]) -> None:
    first, second = systems
    alice = await second.connect("alice")
    assert (await second.send("alice", "x", "r1")).success
    logout = user_pb2.LogoutReq(request_id="r", session_id=token_of("alice"))
    second.backend.revoked.add(token_of("alice"))
    assert (await first.post("/service/user/logout", logout, user_pb2.LogoutRsp)).success
    assert (await alice.frame()).event.request_id == "r1"
    assert (await alice.closed())[0] == 1003
    assert not (await second.send("alice", "x", "r2")).success


async def test_a_gateway_that_was_stopped_for_long_sends_its_clients_away_instead_of_what_is_left_for_them(
    systems: tuple[System, System],
) -> None:
    first, second = systems
    bob, carol = await second.connect("bob", protocol=0), await second.connect("carol")
    await first.send("alice", "before", "r1")
    assert NotifyMessage.FromString(await bob.bytes()).new_message_info.message_info.message_id
    assert (await carol.frame()).event.seq == 1
    second.gateway._wheel.now -= 1000
    await first.send("alice", "late", "r2")
    assert (await bob.closed())[0] == 1012
    assert (await carol.closed())[0] == 1012
    again = await second.connect("bob", protocol=0)
    await first.send("alice", "after", "r3")
    assert NotifyMessage.FromString(await again.bytes()).new_message_info.message_info.sender.user_id == "alice"


async def test_a_welcome_comes_only_after_others_know_the_way(
    cache: RedisCache, systems: tuple[System, System]
) -> None:
    await systems[0].connect("bob")
    assert await cache.set_members([presence_key("bob")]) == [{"gateway-1"}]


async def test_the_last_device_that_leaves_takes_the_person_off(
    cache: RedisCache, systems: tuple[System, System]
) -> None:
    first = systems[0]
    one, two = await first.connect("bob"), await first.connect("bob", device=2)
    await one.ws.close()
    await eventually(lambda: len(first.gateway._connections) == 1)
    assert await cache.set_members([presence_key("bob")]) == [{"gateway-1"}]
    await two.ws.close()
    await eventually(lambda: not len(first.gateway._connections))
    for _ in range(100):
        if await cache.set_members([presence_key("bob")]) == [set()]:
            break
    else:
        raise AssertionError("bob is still listed")


async def test_a_large_file_reaches_people_on_another_replica_and_cuts_nobody_off(
    systems: tuple[System, System],
) -> None:
    first, second = systems
    bob = await second.connect("bob")
    plain = await second.connect("carol", protocol=0)
    alice = await first.connect("alice")
    content = bytes(1024) * 40 * 1024
    file = base_pb2.FileMessageInfo(file_id="f1", file_name="large.bin", file_size=len(content), file_contents=content)
    request = new_message("", "r1")
    request.message.CopyFrom(base_pb2.MessageContent(message_type=base_pb2.FILE, file_message=file))
    await alice.send(send=request)
    await alice.send(send=new_message("after it", "r2"))
    assert [(await bob.frame()).event.seq for _ in range(2)] == [1, 2]
    arrived = NotifyMessage.FromString(await plain.bytes()).new_message_info.message_info.message.file_message
    assert (arrived.file_id, arrived.file_size, arrived.file_name) == ("f1", len(content), "large.bin")
