"""One replica of a service in another process: a channel, and on it one long-lived stream that calls share.

What is submitted in one turn of the event loop, or while a message is being written, goes into one message. The stream is
opened again, with growing pauses, for as long as the registry names the replica. What becomes of calls when it breaks is
the router's decision (rpc_router.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import grpc
from prometheus_client import Histogram

from services.protocol.batch_pb2 import Call, CallBatch, Reply, ReplyBatch
from services.runtime.rpc import DESCRIPTORS
from services.runtime.rpc_call import RemoteCall
from services.runtime.rpc_wire import LEAVING, STREAM_METHOD, describe
from services.stores.ports import Instance

WINDOW = 1024
"""Calls of one stream that wait for their replies; more are kept back."""
_BATCH_BYTES = 512 * 1024
"""Size from which on a message takes no further call."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_RETIREMENT = 30.0
"""Seconds that a replica which left has for what is in its hands."""


class Owner(Protocol):
    """Who is told what happens to a replica."""

    def opened(self, replica: Replica) -> None: ...
    def leaving(self, replica: Replica) -> None: ...
    def replied(self, replica: Replica, call: RemoteCall, reply: Reply) -> None: ...
    def cut(self, replica: Replica, calls: Sequence[RemoteCall], clean: bool) -> None:
        """The stream is gone with `calls` in its hands. `clean`: the replica has begun none of them."""
        ...


class Replica:
    """`channel` is closed with the replica; `metadata` goes with every gRPC call; `batches` observes what shares a message."""

    def __init__(
        self,
        instance: Instance,
        channel: grpc.aio.Channel,
        metadata: Sequence[tuple[str, str]],
        owner: Owner,
        batches: Histogram,
    ) -> None:
        self.instance = instance
        self.ready = False
        """Whether the stream stands."""
        self.leaving = False
        """Whether it asked to be spared."""
        self.problem = "no replica could be reached"
        """Why the stream does not stand."""
        self.seed = int.from_bytes(hashlib.blake2b(instance.id.encode(), digest_size=8).digest(), "big")
        self.in_hand: dict[int, RemoteCall] = {}
        self._channel = channel
        self._metadata = metadata
        self._owner = owner
        self._batches = batches
        self._descriptor = DESCRIPTORS[instance.service]
        self._whole: dict[str, Any] = {}
        self._open = channel.stream_stream(
            STREAM_METHOD, request_serializer=CallBatch.SerializeToString, response_deserializer=ReplyBatch.FromString
        )
        self._kept_back: deque[RemoteCall] = deque()
        self._cancelled: list[int] = []
        self._under_way = 0
        """Calls in hand that were sent."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Opens the stream and keeps it open until `close`."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_open(), name=f"calls to {self.instance.id}")

    def submit(self, call: RemoteCall) -> None:
        call.replica = self
        call.sent = False
        self.in_hand[call.id] = call
        self._kept_back.append(call)
        self._wake.set()

    def give_up(self, call: RemoteCall) -> None:
        """Nobody waits for the call any more."""
        if self.in_hand.pop(call.id, None) is not None and call.sent:
            self._under_way -= 1
            self._cancelled.append(call.id)
            self._wake.set()

    async def call_whole(
        self, method: str, request: bytes, timeout: float, metadata: Sequence[tuple[str, str]]
    ) -> bytes:
        """A gRPC call of its own. Raises grpc.aio.AioRpcError."""
        stub = self._whole.get(method)
        if stub is None:
            stub = self._whole[method] = self._channel.unary_unary(f"/{self._descriptor.full_name}/{method}")
        response: bytes = await stub(request, timeout=timeout, metadata=[*self._metadata, *metadata])
        return response

    def connected(self) -> bool:
        """Whether there is a connection now; if not, one is begun."""
        return self._channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY

    async def connect(self, timeout: float) -> bool:
        """Whether there is a connection, after at most `timeout` seconds."""
        if self.connected():
            return True
        try:
            async with asyncio.timeout(timeout):
                await self._channel.channel_ready()
        except (TimeoutError, grpc.aio.UsageError):
            return False
        return True

    async def retire(self) -> None:
        """Closes once nothing is in its hands."""
        self.leaving = True
        end = asyncio.get_running_loop().time() + _RETIREMENT
        while self.in_hand and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - seldom, and not urgent
            await asyncio.sleep(0.05)
        await self.close(_RETIREMENT)

    async def close(self, grace: float | None = None) -> None:
        """Ends the stream at once; whole calls have `grace` seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._channel.close(grace)

    async def _keep_open(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            clean = False
            stream: Any = self._open(metadata=self._metadata)
            writing: asyncio.Task[None] | None = None
            try:
                while (batch := await stream.read()) is not grpc.aio.EOF:
                    if writing is None:
                        pause = _FIRST_PAUSE
                        writing = asyncio.create_task(self._write(stream))
                        self.ready, self.leaving = True, False
                        self._owner.opened(self)
                    self._read(batch)
                code = await stream.code()
                clean = code is grpc.StatusCode.OK
                self.problem = LEAVING if clean else f"the stream was cut ({code.name})"
            except grpc.aio.AioRpcError as error:
                self.problem = describe(error)
            finally:
                if writing is not None:
                    writing.cancel()
                stream.cancel()
                self._lost(clean)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _lost(self, clean: bool) -> None:
        self.ready = False
        calls = list(self.in_hand.values())
        self.in_hand.clear()
        self._kept_back.clear()
        self._cancelled.clear()
        self._under_way = 0
        self._owner.cut(self, calls, clean)

    async def _write(self, stream: Any) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._cancelled or (self._kept_back and self._under_way < WINDOW):
                    await stream.write(self._compose())
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            stream.cancel()  # the reader learns of it and says why

    def _compose(self) -> CallBatch:
        batch = CallBatch(cancel=self._cancelled)
        self._cancelled.clear()
        now = asyncio.get_running_loop().time()
        size = 0
        calls = batch.call
        while self._kept_back and self._under_way < WINDOW and size < _BATCH_BYTES:
            call = self._kept_back.popleft()
            if call.id not in self.in_hand:
                continue  # given up before it was sent
            call.sent = True
            self._under_way += 1
            size += len(call.request)
            calls.append(
                Call(
                    id=call.id,
                    method=call.method,
                    timeout_ms=max(1, int((call.deadline - now) * 1000)),
                    request=call.request,
                    request_id=call.request_id,
                    trace=call.trace,
                )
            )
        self._batches.observe(len(calls))
        return batch

    def _read(self, batch: ReplyBatch) -> None:
        if batch.leaving and not self.leaving:
            self.leaving = True
            self._owner.leaving(self)
        for reply in batch.reply:
            call = self.in_hand.get(reply.id)
            if call is None:
                continue  # it was given up
            if reply.more or call.pieces is not None:
                call.pieces = call.pieces or []
                call.pieces.append(reply.response)
                if reply.more:
                    continue
                reply.response = b"".join(call.pieces)
            del self.in_hand[reply.id]
            self._under_way -= 1
            self._owner.replied(self, call, reply)
        if self._kept_back:
            self._wake.set()
