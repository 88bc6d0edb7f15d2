"""Calls that share a stream, over real gRPC: their order, their deadlines, and what a lost or leaving replica does to them."""

import asyncio
import time
from collections import Counter

import grpc
import pytest

from services.protocol.base_pb2 import MessageContent, StringMessageInfo
from services.protocol.batch_pb2 import CallBatch, Reply, ReplyBatch
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.runtime import rpc_replica, rpc_stream_server
from services.runtime.logs import request_id
from services.runtime.refusal import Refusal
from services.runtime.rpc import Clients, Unavailable
from services.runtime.rpc_policy import LARGEST_SHARED
from services.runtime.rpc_wire import STREAM_SERVICE
from services.stores.ports import StoreError
from tests.testbed.calls import Network


@pytest.fixture
async def network():
    network = Network()
    yield network
    await network.cleanup.aclose()


async def until(condition, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of another part, which has no event for it
            await asyncio.sleep(0.005)


def start(awaitables):
    return [asyncio.ensure_future(each) for each in awaitables]


def names(count):
    return [f"r{number}" for number in range(count)]


async def outcomes(calls):
    return await asyncio.gather(*calls, return_exceptions=True)


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
        await caller.send("x" * 64, message=_text(LARGEST_SHARED))


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


async def test_a_replica_with_another_secret_is_passed_over_and_named(network):
    await network.replica("stranger", secret="another secret of others")
    caller = await network.caller()
    with pytest.raises(Unavailable, match="CHATSYSTEM_RPC_SECRET_FILE"):
        await caller.validate()
    mate = await network.replica("mate")
    for _ in range(3):
        assert (await caller.validate()).user_id == "mate"
    assert len(mate.validated) == 3


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


async def test_a_refusal_a_failure_and_an_absent_store_are_told_apart(network):
    replica = await network.replica("one")
    caller = await network.caller()
    failures = {
        "refused": Refusal("不行", retry_after=2.0),
        "away": StoreError("the disk is gone"),
        "broken": ZeroDivisionError(),
    }

    async def fail(request):
        if request.request_id == "adrift":
            raise asyncio.CancelledError  # as of something that it waited for
        raise failures[request.request_id]

    clients = Clients()
    clients.host("transmit", {"Send": fail})
    replica.server._streams.methods["transmit.Send"] = (clients.hosted("transmit")["Send"], NewMessageReq.FromString)
    answer = await caller.send("refused")
    assert (answer.success, answer.errmsg, answer.retry_after_ms) == (False, "不行", 2000)
    with pytest.raises(Unavailable, match="the disk is gone"):
        await caller.send("away")
    for name in ("broken", "adrift"):
        with pytest.raises(Unavailable, match="INTERNAL"):
            await caller.send(name)
    assert (await caller.validate()).success


async def test_the_request_id_goes_along_into_the_log_of_the_other_process(network):
    replica = await network.replica("one")
    caller = await network.caller()
    seen = []

    async def look(request):
        seen.append(request_id.get())
        return await replica.send(request)

    replica.server._streams.methods["transmit.Send"] = (look, NewMessageReq.FromString)
    for sent in ("r-1", "会\n", "x" * 100_000):
        token = request_id.set(sent)
        await caller.send()
        request_id.reset(token)
    assert seen == ["r-1", "", ""]


async def test_a_replica_of_a_version_without_the_method_is_passed_over(network):
    old = await network.replica("old")
    del old.server._streams.methods["transmit.Send"]
    new = await network.replica("new")
    caller = await network.caller()
    await caller.connected()
    for name in names(20):
        assert (await caller.send(name, name)).success
    assert len(new.begun) == 21
    assert old.begun == []


class Eccentric:
    """A server that speaks the protocol of the stream by hand. `answer` gets each batch and returns what to write."""

    def __init__(self, answer):
        self.answer = answer
        self.batches = []
        self.server = grpc.aio.server()
        handler = grpc.stream_stream_rpc_method_handler(
            self.open, request_deserializer=CallBatch.FromString, response_serializer=ReplyBatch.SerializeToString
        )
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(STREAM_SERVICE, {"Open": handler}),))

    async def start(self):
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        return f"127.0.0.1:{port}"

    async def open(self, _, context):
        await context.write(ReplyBatch())
        while (batch := await context.read()) is not grpc.aio.EOF:
            self.batches.append(batch)
            for reply in self.answer(batch):
                if reply is None:
                    return
                await context.write(reply)


async def eccentric(network, answer):
    server = Eccentric(answer)
    network.directory.add("eccentric", await server.start())
    network.cleanup.push_async_callback(server.server.stop, 0)
    return server, await network.caller()


def answered(*numbers, seq=1):
    return ReplyBatch(
        reply=[Reply(id=each, response=SendRsp(success=True, seq=seq).SerializeToString()) for each in numbers]
    )


async def test_a_reply_that_comes_twice_or_to_nobody_is_ignored(network):
    def answer(batch):
        ids = [call.id for call in batch.call]
        return [answered(*ids, *ids), answered(*ids, 10**9, seq=2)]

    _, caller = await eccentric(network, answer)
    for name in names(5):
        assert (await caller.send(name)).seq == 1


async def test_a_response_that_cannot_be_read_fails_its_call_only(network):
    def answer(batch):
        return [ReplyBatch(reply=[Reply(id=call.id, response=b"\xff" if call.id % 2 else b"")]) for call in batch.call]

    _, caller = await eccentric(network, answer)
    results = [(await outcomes([caller.send(name)]))[0] for name in names(4)]
    assert [type(each).__name__ for each in results] == ["Unavailable", "SendRsp"] * 2


async def test_what_a_replica_left_behind_when_it_ended_in_order_was_not_begun_and_goes_on(network):
    """It answers the first call and ends its stream, as a replica does that has answered all it took."""
    ended, caller = await eccentric(network, lambda batch: [answered(batch.call[0].id, seq=7), None])
    first = asyncio.ensure_future(caller.send(""))
    second = asyncio.ensure_future(caller.send(""))
    assert (await first).seq == 7
    assert (await second).seq == 7
    assert [len(batch.call) for batch in ended.batches] == [2, 1]


async def test_a_stream_that_breaks_in_the_middle_of_a_response_gives_it_whole_from_another_replica(network):
    def answer(batch):
        pieces = [Reply(id=call.id, response=b"\x0a\x03abc", more=True) for call in batch.call]
        return [ReplyBatch(reply=pieces)]

    server, caller = await eccentric(network, answer)
    call = asyncio.ensure_future(caller.validate())
    await until(lambda: server.batches)
    await network.replica("sane")
    await server.server.stop(0)
    assert (await call).user_id == "sane"
