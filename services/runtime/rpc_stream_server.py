"""The receiving end of the streams that calls share (services/protocol/batch.proto).

The calls of one stream are begun in the order in which they came; each runs as a task of its own, so they end in any order.
A stream is read no further while too many of its calls are on hand, which holds the other side back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from services.observation.tracer import trace_parent
from services.protocol import batch_pb2
from services.protocol.batch_pb2 import Call, CallBatch, Reply, ReplyBatch
from services.runtime.logs import request_id
from services.runtime.rpc import DESCRIPTORS, Handler, Unavailable
from services.runtime.rpc_wire import STREAM_SERVICE

log = logging.getLogger(__name__)

MOST_ON_HAND = 2048
"""Calls of one stream that are being worked on or whose replies wait to be written."""
PIECE = 256 * 1024
"""Bytes of a response from which on it goes in pieces, between which those of others pass."""
_BATCH_BYTES = 512 * 1024
_TICK = 0.1
"""Seconds between looks for calls whose caller has stopped waiting."""

Authenticate = Callable[["grpc.aio.ServicerContext[Any, Any]", str], Any]
"""Awaited with what is asked for; aborts what does not carry the secret."""


class CallStreams:
    """All streams of one server."""

    def __init__(self, services: Mapping[str, Mapping[str, Handler]], authenticate: Authenticate) -> None:
        self._authenticate = authenticate
        self.methods: dict[str, tuple[Handler, Callable[[bytes], Any]]] = {
            f"{name}.{method.name}": (handlers[method.name], method.input_type._concrete_class.FromString)
            for name, handlers in services.items()
            for method in DESCRIPTORS[name].methods
        }
        self.leaving = False
        self.refusing = False
        self.finishing = False
        self._streams: set[_Stream] = set()
        self._sweeper: asyncio.Task[None] | None = None

    def generic_handler(self) -> grpc.GenericRpcHandler:
        handler = grpc.stream_stream_rpc_method_handler(
            self._serve, request_deserializer=CallBatch.FromString, response_serializer=ReplyBatch.SerializeToString
        )
        return grpc.method_handlers_generic_handler(STREAM_SERVICE, {"Open": handler})

    def leave(self) -> None:
        """Asks the callers to prefer others. Calls are still taken."""
        self.leaving = True
        self._wake()

    def refuse(self) -> None:
        """From now on a call is refused in a way that sends it to another replica; those on hand are finished."""
        self.leaving = self.refusing = True
        self._wake()

    def finish(self) -> None:
        """Refuses, and ends every stream as soon as what is on hand is answered."""
        self.finishing = True
        self.refuse()

    def _wake(self) -> None:
        for stream in self._streams:
            stream.wake.set()

    async def _serve(self, _: Any, context: Any) -> None:
        await self._authenticate(context, "a stream of calls")
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())
        stream = _Stream(self, context)
        self._streams.add(stream)
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)
            if not self._streams:
                self._sweeper.cancel()
                self._sweeper = None

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            now = asyncio.get_running_loop().time()
            for stream in self._streams:
                stream.end_overdue(now)


class _Stream:
    def __init__(self, owner: CallStreams, context: Any) -> None:
        self.wake = asyncio.Event()
        self._owner = owner
        self._context = context
        self._tasks: dict[int, tuple[asyncio.Task[None], float]] = {}
        """Calls being worked on, each with the time when its caller stops waiting."""
        self._replies: deque[Reply] = deque()
        self._room = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Returns when the client is gone, or the server is to end and everything on hand is answered."""
        told = self._owner.leaving
        await self._context.write(ReplyBatch(leaving=told))
        reading = asyncio.create_task(self._read())
        try:
            while not self._ended:
                if self._owner.finishing and not self._tasks and not self._replies:
                    return
                await self.wake.wait()
                self.wake.clear()
                if self._owner.leaving and not told:
                    told = True
                    await self._context.write(ReplyBatch(leaving=True))
                while self._replies and not self._ended:
                    await self._context.write(self._compose())
                    self._room.set()
            # An orderly end says that what was not answered was not begun. This is none.
            await self._context.abort(grpc.StatusCode.CANCELLED, "the caller is gone")
        finally:
            reading.cancel()
            for task, _ in self._tasks.values():
                task.cancel()

    def end_overdue(self, now: float) -> None:
        for task, deadline in self._tasks.values():
            if deadline <= now:
                task.cancel()

    async def _read(self) -> None:
        try:
            while (batch := await self._context.read()) is not grpc.aio.EOF:
                for number in batch.cancel:
                    if number in self._tasks:
                        self._tasks[number][0].cancel()
                now = asyncio.get_running_loop().time()
                for call in batch.call:
                    self._begin(call, now)
                while len(self._tasks) + len(self._replies) >= MOST_ON_HAND:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._ended = True
            self.wake.set()

    def _begin(self, call: Call, now: float) -> None:
        method = self._owner.methods.get(call.method)
        if method is None or self._owner.refusing:
            self._reply(Reply(id=call.id, status=batch_pb2.REFUSED))
            return
        task = asyncio.create_task(self._perform(call, *method))
        self._tasks[call.id] = (task, now + call.timeout_ms / 1000)

    async def _perform(self, call: Call, handler: Handler, parse: Callable[[bytes], Any]) -> None:
        request_id.set(call.request_id)
        trace_parent.set(call.trace)
        reply = Reply(id=call.id)
        try:
            reply.response = (await handler(parse(call.request))).SerializeToString()
        except Unavailable as error:
            reply.status, reply.error = batch_pb2.UNAVAILABLE, str(error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                self._done(call.id)
                raise  # nobody waits for a reply
            reply.status = batch_pb2.FAILED
            log.error("%s was cancelled by its own work", call.method)
        except Exception:
            reply.status = batch_pb2.FAILED
            log.exception("%s failed", call.method)
        self._done(call.id)
        self._reply(reply)

    def _done(self, number: int) -> None:
        self._tasks.pop(number, None)
        self._room.set()
        if self._owner.finishing:
            self.wake.set()

    def _reply(self, reply: Reply) -> None:
        self._replies.append(reply)
        self.wake.set()

    def _compose(self) -> ReplyBatch:
        batch = ReplyBatch()
        size = 0
        while self._replies and size < _BATCH_BYTES:
            reply = self._replies.popleft()
            if len(reply.response) > PIECE:
                batch.reply.append(Reply(id=reply.id, response=reply.response[:PIECE], more=True))
                reply.response = reply.response[PIECE:]
                self._replies.append(reply)
                size += PIECE
            else:
                batch.reply.append(reply)
                size += len(reply.response)
        return batch
