"""Calls that share a stream, over real gRPC: their order, their deadlines, their share of a message."""

import asyncio
import time

import pytest

from services.protocol.base_pb2 import MessageContent, StringMessageInfo
from services.runtime import rpc_replica, rpc_stream_server
from services.runtime.rpc import Unavailable
from services.runtime.rpc_policy import LARGEST_SHARED
from tests.testbed.calls import names, outcomes, start, until


async def test_sends_of_a_conversation_arrive_in_order_without_waiting_for_one_another(network):
    one, two = await network.replica("one"), await network.replica("two")
    caller = await network.caller()
    await caller.connected()
    one.gate.clear()
    two.gate.clear()
    calls = start(caller.send(name, f"c{index % 8}") for index, name in enumerate(names(400)))
    await until(lambda: len(one.begun) + len(two.begun) == 401)
    one.gate.set()
    two.gate.set()
    assert all(answer.success for answer in await asyncio.gather(*calls))
    for conversation in range(8):
        assert network.ledger.of(f"c{conversation}") == names(400)[conversation::8]


async def test_a_conversation_has_one_replica_and_conversations_are_spread(network):
    replicas = [await network.replica(name) for name in ("one", "two", "three")]
    caller = await network.caller()
    await caller.connected()
    await asyncio.gather(*(caller.send(f"{lap}-{chat}", f"c{chat}") for lap in range(5) for chat in range(60)))
    chats = [{request.chat_session_id for request in replica.begun} for replica in replicas]
    assert all(len(of) >= 8 for of in chats)
    assert sum(map(len, chats)) - 1 == 60


async def test_calls_of_one_turn_share_a_message(network, monkeypatch):
    sizes = []
    compose = rpc_replica.Replica._compose

    def counted(self):
        batch = compose(self)
        sizes.append(len(batch.call))
        return batch

    monkeypatch.setattr(rpc_replica.Replica, "_compose", counted)
    await network.replica("one")
    caller = await network.caller()
    await caller.validate()
    sizes.clear()
    await asyncio.gather(*(caller.validate() for _ in range(200)))
    assert sizes == [200]


async def test_a_replica_that_hangs_gets_no_more_calls_than_it_has(network):
    slow, quick = await network.replica("slow"), await network.replica("quick")
    caller = await network.caller()
    await caller.connected()
    slow.proxy.freeze()
    stuck = start([caller.validate(timeout=0.6) for _ in range(4)])
    await asyncio.sleep(0.1)
    for _ in range(50):
        assert (await caller.validate()).user_id == "quick"
    assert sum(isinstance(each, Unavailable) for each in await outcomes(stuck)) == 2
    assert len(quick.validated) >= 50


@pytest.mark.parametrize("timeout", [0.1, 0.4])
async def test_a_call_ends_at_its_deadline_when_the_replica_is_silent(network, timeout):
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    replica.proxy.freeze()
    started = time.monotonic()
    calls = start(
        [caller.send(timeout=timeout), caller.send("later", timeout=timeout), caller.validate(timeout=timeout)]
    )
    for outcome in await outcomes(calls):
        assert "no answer in time" in str(outcome)
    assert timeout <= time.monotonic() - started < timeout + 2.0


async def test_work_that_nobody_waits_for_is_cancelled(network):
    replica = await network.replica("one")
    caller = await network.caller()
    replica.gate.clear()
    with pytest.raises(Unavailable, match="in time"):
        await caller.send("overdue", timeout=0.2)
    call = asyncio.ensure_future(caller.send("given up"))
    await until(lambda: len(replica.begun) == 2)
    call.cancel()
    await until(lambda: replica.cancelled == ["overdue", "given up"])


async def test_a_deadline_holds_on_the_serving_side_when_the_caller_is_silent(network):
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    replica.gate.clear()
    call = asyncio.ensure_future(caller.send("overdue", timeout=0.3))
    await until(lambda: len(replica.begun) == 2)
    replica.proxy.freeze()
    await until(lambda: replica.cancelled == ["overdue"])
    await outcomes([call])


async def test_more_calls_than_the_window_are_kept_back_and_answered(network, monkeypatch):
    monkeypatch.setattr(rpc_replica, "WINDOW", 10)
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    replica.gate.clear()
    calls = start(caller.send(name) for name in names(50))
    await until(lambda: len(replica.begun) == 11)
    await asyncio.sleep(0.05)
    assert len(replica.begun) == 11
    replica.gate.set()
    assert all(answer.success for answer in await asyncio.gather(*calls))
    assert network.ledger.of("c") == names(50)


async def test_a_server_reads_no_further_while_it_has_too_much_on_hand(network, monkeypatch):
    monkeypatch.setattr(rpc_stream_server, "MOST_ON_HAND", 10)
    monkeypatch.setattr(rpc_replica, "_BATCH_BYTES", 1)
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    replica.gate.clear()
    calls = start(caller.send(name, user_id="u") for name in names(50))
    await until(lambda: len(replica.begun) == 11)
    await asyncio.sleep(0.05)
    assert len(replica.begun) == 11
    replica.gate.set()
    assert all(answer.success for answer in await asyncio.gather(*calls))


async def test_a_large_response_comes_in_pieces_between_which_others_pass(network):
    await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    done = []

    async def ask(session_id):
        answer = await caller.validate(session_id)
        done.append(session_id)
        return answer

    large, *_ = await asyncio.gather(ask("large:20000000"), *(ask(f"small {number}:10") for number in range(5)))
    assert len(large.user_id) == len("one") + 20_000_000
    assert done[-1] == "large:20000000"


def _text(size):
    return MessageContent(string_message=StringMessageInfo(content="x" * size))


async def test_a_large_send_goes_alone_and_in_its_place(network):
    replica = await network.replica("one")
    caller = await network.caller()
    await caller.connected()
    sizes = {"a": 1, "b": 2 * LARGEST_SHARED, "c": 1, "d": 3 * LARGEST_SHARED, "e": 2 * LARGEST_SHARED, "f": 1}
    calls = start(caller.send(name, message=_text(size)) for name, size in sizes.items())
    assert all(answer.success for answer in await asyncio.gather(*calls))
    assert network.ledger.of("c") == list(sizes)
    assert [request.request_id for request in replica.begun[1:]] == list(sizes)
