"""Calls over real gRPC while replicas are cut off, leave, and are replaced."""

import asyncio
from collections import Counter

import pytest

from services.protocol.base_pb2 import MessageContent, StringMessageInfo
from services.runtime.rpc import Unavailable
from services.runtime.rpc_policy import LARGEST_SHARED
from tests.testbed.calls import names, outcomes, start, until


async def test_sends_with_a_request_id_survive_a_cut_once_and_in_order(network):
    one, two = await network.replica("one"), await network.replica("two")
    caller = await network.caller()
    await caller.connected()
    calls = []
    for index, name in enumerate(names(1200)):
        calls.append(asyncio.ensure_future(caller.send(name, f"c{index % 6}")))
        if index % 10 == 0:
            await asyncio.sleep(0.001)
        if index == 400:
            one.proxy.cut()
        if index == 600:
            one.proxy.restore()
        if index == 800:
            two.proxy.cut()
    assert all(answer.success for answer in await asyncio.gather(*calls))
    for conversation in range(6):
        assert network.ledger.of(f"c{conversation}") == names(1200)[conversation::6]


async def test_a_call_that_may_have_run_and_must_not_run_twice_is_not_repeated(network):
    one, two = await network.replica("one"), await network.replica("two")
    caller = await network.caller()
    await caller.connected()
    one.gate.clear()
    two.gate.clear()
    calls = start(caller.send("", f"c{chat}") for chat in range(20))
    await until(lambda: len(one.begun) + len(two.begun) == 21)
    in_hand = len(one.begun) - sum(request.request_id != "" for request in one.begun)
    one.proxy.cut()
    await until(lambda: len(one.cancelled) == in_hand)
    two.gate.set()
    result = await outcomes(calls)
    lost = [each for each in result if isinstance(each, Unavailable)]
    assert len(lost) == in_hand > 0
    assert "not known" in str(lost[0])
    assert len(one.begun) + len(two.begun) == 21


async def test_a_stream_that_was_cut_is_opened_again(network):
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    replica.proxy.cut()
    with pytest.raises(Unavailable):
        await caller.validate(timeout=0.2)
    replica.proxy.restore()
    async with asyncio.timeout(5):
        while True:
            try:
                assert (await caller.validate()).success
                break
            except Unavailable:
                continue


async def test_a_leaving_replica_finishes_what_it_has_and_new_calls_go_to_another_at_once(network):
    one, two = await network.replica("one"), await network.replica("two")
    caller = await network.caller()
    await caller.connected()
    one.gate.clear()
    two.gate.set()
    calls = start(caller.send(f"held {chat}", f"c{chat}") for chat in range(20))
    await until(lambda: len(one.begun) + len(two.begun) == 21)
    before = len(one.begun)
    await one.server.leave()
    await one.server.refuse()
    more = await asyncio.gather(*(caller.send(f"new {chat}", f"d{chat}") for chat in range(20)))
    assert all(answer.success for answer in more)
    assert len(one.begun) == before
    stopping = asyncio.ensure_future(one.server.stop(5))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    one.gate.set()
    assert all(answer.success for answer in await asyncio.gather(*calls))
    await stopping
    assert max(Counter(network.ledger.stored).values()) == 1


async def test_a_conversation_moves_only_when_nothing_of_it_is_with_the_leaving_replica(network):
    one = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    two = await network.replica("two")
    await caller.connected()
    one.gate.clear()
    two.gate.clear()
    first = start(caller.send(name) for name in ("a", "b"))
    await until(lambda: len(one.begun) + len(two.begun) >= 3)
    holder, other = (one, two) if one.begun[-1].request_id == "b" else (two, one)
    await holder.server.refuse()
    other.gate.set()
    second = start(caller.send(name) for name in ("c", "d"))
    await asyncio.sleep(0.1)
    assert not any(request.request_id in "cd" for request in other.begun)
    holder.gate.set()
    await asyncio.gather(*first, *second)
    assert network.ledger.of("c") == ["a", "b", "c", "d"]


async def test_the_only_replica_serves_until_it_refuses(network):
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    await replica.server.leave()
    await asyncio.sleep(0.05)
    assert (await caller.validate()).success
    await replica.server.refuse()
    with pytest.raises(Unavailable, match="leaving"):
        await caller.validate()
    with pytest.raises(Unavailable, match="leaving"):
        await caller.send(
            "x" * 64, message=MessageContent(string_message=StringMessageInfo(content="x" * LARGEST_SHARED))
        )


async def test_no_send_is_lost_or_repeated_while_replicas_are_replaced(network):
    caller = await network.caller()
    replicas = [await network.replica("0")]
    await caller.connected()
    sent = []
    stop = False

    async def conversation(chat):
        number = 0
        while not stop:
            batch = [f"{chat}-{number + index}" for index in range(4)]
            number += 4
            sent.extend((f"c{chat}", name) for name in batch)
            # Without a request id nothing may be repeated, so each of these must be begun once.
            answers = await asyncio.gather(*(caller.send("", f"c{chat}", user_id=name) for name in batch))
            assert all(answer.success for answer in answers)

    load = start(conversation(chat) for chat in range(5))
    for generation in range(1, 4):
        replicas.append(await network.replica(str(generation)))
        await asyncio.sleep(0.15)
        old = replicas[-2]
        network.directory.remove(old.name)
        await old.server.leave()
        await asyncio.sleep(0.05)
        await old.server.refuse()
        await old.server.stop(5)
    stop = True
    await asyncio.gather(*load)
    begun = [request for replica in replicas for request in replica.begun if request.user_id]
    assert sorted((request.chat_session_id, request.user_id) for request in begun) == sorted(sent)
    for chat in range(5):
        order = [request.user_id for request in begun if request.chat_session_id == f"c{chat}"]
        assert order == [f"{chat}-{number}" for number in range(len(order))]


async def test_calls_under_way_when_a_process_stops_calling_end(network):
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    replica.gate.clear()
    calls = start([caller.send(), caller.send("b"), caller.validate("gated")])
    await until(lambda: len(replica.begun) == 3)
    await caller.remote.close()
    assert all("stopping" in str(outcome) for outcome in await outcomes(calls))
    await until(lambda: len(replica.cancelled) == 3)


async def test_a_replica_that_leaves_the_registry_finishes_what_it_has(network):
    one = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    one.gate.clear()
    call = asyncio.ensure_future(caller.send("a"))
    await until(lambda: len(one.begun) == 2)
    network.directory.remove("one")
    with pytest.raises(Unavailable, match="no replica of service transmit is known"):
        await caller.send("b")
    one.gate.set()
    assert (await call).success
    await until(lambda: not caller.remote._retiring)


async def test_a_process_can_stop_calling_while_a_replica_leaves(network):
    one = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    one.gate.clear()
    call = asyncio.ensure_future(caller.send("a"))
    await until(lambda: len(one.begun) == 2)
    network.directory.remove("one")
    await asyncio.sleep(0)
    await caller.remote.close()
    assert isinstance((await outcomes([call]))[0], Unavailable)
    await until(lambda: one.cancelled == ["a"])


async def test_conversations_of_a_replica_that_falls_silent_go_on_elsewhere_before_their_deadline(network):
    silent, other = await network.replica("silent"), await network.replica("other")
    caller = await network.caller()
    await caller.connected()
    silent.proxy.freeze()
    calls = start(caller.send(name, name, timeout=30.0) for name in names(8))
    assert all(answer.success for answer in await asyncio.gather(*calls))
    assert {request.request_id for request in other.begun} >= set(names(8))
    assert sorted(name for _, name in network.ledger.stored if name.startswith("r")) == names(8)
