"""What the other side of a stream can answer, in order and out of it."""

import asyncio

import grpc
import pytest

from services.protocol.batch_pb2 import CallBatch, Reply, ReplyBatch
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.runtime.logs import request_id
from services.runtime.refusal import Refusal
from services.runtime.rpc import Clients, Unavailable
from services.runtime.rpc_wire import STREAM_SERVICE
from services.stores.ports import StoreError
from tests.testbed.calls import names, outcomes, until


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


async def test_a_replica_with_another_secret_is_passed_over_and_named(network):
    await network.replica("stranger", secret="another secret of others")
    caller = await network.caller()
    with pytest.raises(Unavailable, match="CHATSYSTEM_RPC_SECRET_FILE"):
        await caller.validate()
    mate = await network.replica("mate")
    for _ in range(3):
        assert (await caller.validate()).user_id == "mate"
    assert len(mate.validated) == 3


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
