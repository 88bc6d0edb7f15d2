"""What the frames of a client that speaks protocol 1 set going (docs/protocol.md).

Sends of one connection are handed on in the order in which they came. Calls of transmit keep the order of a conversation,
in this process as to another one (services/runtime/rpc_router.py), so texts do not wait for one another. A text could
overtake the storing of a picture sent before it: behind a picture, file or voice message the conversation's sends wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from google.protobuf.message import DecodeError

from services.gateway.bodies import SMALL, Malformed, field_numbers
from services.gateway.connection import CloseCode, Connection, State, Waiting
from services.gateway.connections import Connections
from services.gateway.frames import websocket
from services.gateway.limits import RateLimiter
from services.gateway.metrics import GatewayMetrics
from services.gateway.operations import Operations
from services.gateway.routes import MARK_READ, SYNC, Route
from services.protocol.base_pb2 import MessageType
from services.protocol.gateway_pb2 import ClientFrame, Pong, ServerFrame
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 128
"""Frames of one connection that are being worked on; more are not read until some are answered."""
WEIGHT = 512 * 1024
"""Bytes of a frame that count as one frame more, so that a connection is not worth gigabytes of files."""


class Tasks:
    """Work that nobody waits for: it is kept until it ends, and its failure is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work for a connection failed", exc_info=error)


class Dispatch:
    """`floods` bounds frames that start no work; `clock` is its time."""

    def __init__(
        self,
        *,
        operations: Operations,
        connections: Connections,
        metrics: GatewayMetrics,
        floods: RateLimiter,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._operations = operations
        self._connections = connections
        self._metrics = metrics
        self._floods = floods
        self._tasks = tasks
        self._clock = clock

    def frame(self, connection: Connection, payload: bytes) -> None:
        try:
            if len(payload) > SMALL and field_numbers(payload) != [ClientFrame.SEND_FIELD_NUMBER]:
                raise Malformed
            frame = ClientFrame.FromString(payload)
        except (DecodeError, Malformed):
            connection.close(CloseCode.PROTOCOL_ERROR, "not a ClientFrame", "malformed")
            return
        kind = frame.WhichOneof("frame")
        match kind:
            case "send":
                self._begin_send(connection, frame.send, 1 + len(payload) // WEIGHT)
            case "sync":
                self._begin(connection, self._call(connection, SYNC, frame.sync, "sync"))
            case "mark_read":
                self._begin(connection, self._call(connection, MARK_READ, frame.mark_read, "mark_read"))
            case "ping":
                self.answer(connection, ServerFrame(pong=Pong(request_id=frame.ping.request_id)))
                self.ignore(connection, "ping")
                return
            case _:  # of a newer protocol
                self.ignore(connection)
                return
        self._metrics.frames[kind].inc()

    def ignore(self, connection: Connection, kind: str = "ignored") -> None:
        """Frames that start no work are free up to the rate of requests."""
        self._metrics.frames[kind].inc()
        if self._floods.take(connection.session_key, self._clock()):
            connection.close(CloseCode.POLICY, "too many frames", "flooding")

    def _begin_send(self, connection: Connection, request: NewMessageReq, weight: int) -> None:
        waiting = connection.waiting
        behind = waiting.get(request.chat_session_id) if waiting else None
        if behind is not None:
            self._count(connection, weight)
            behind.append((request, weight))
        elif request.message.message_type == MessageType.STRING:
            self._begin(connection, self._send(connection, request, weight), weight)
        else:
            if waiting is None:
                waiting = connection.waiting = {}
            waiting[request.chat_session_id] = deque()
            self._begin(connection, self._send_in_turn(connection, waiting, request, weight), weight)

    def _begin(self, connection: Connection, work: Coroutine[Any, Any, None], weight: int = 1) -> None:
        self._count(connection, weight)
        self._tasks.spawn(work)

    def _count(self, connection: Connection, weight: int) -> None:
        connection.in_flight += weight
        if connection.in_flight >= MAX_IN_FLIGHT:
            connection.pause_reading()

    def _end(self, connection: Connection, weight: int = 1) -> None:
        connection.in_flight -= weight
        if connection.paused and connection.in_flight <= MAX_IN_FLIGHT // 2:
            connection.resume_reading()

    async def _send(self, connection: Connection, request: NewMessageReq, weight: int) -> None:
        try:
            if connection.session is not None:
                answer = await self._operations.send(request, connection.session, connection.id)
                self.answer(connection, acknowledgement(request.request_id, answer))
        finally:
            self._end(connection, weight)

    async def _send_in_turn(
        self, connection: Connection, waiting: Waiting, request: NewMessageReq, weight: int
    ) -> None:
        """Sends a message, then those of its conversation that came meanwhile."""
        chat_session_id = request.chat_session_id
        behind = waiting[chat_session_id]
        try:
            await self._send(connection, request, weight)
            while behind:
                await self._send(connection, *behind.popleft())
        finally:
            del waiting[chat_session_id]

    async def _call(self, connection: Connection, route: Route, request: Any, field: str) -> None:
        try:
            if connection.session is not None:
                answer = await self._operations.call(route, request, connection.session, connection.id)
                self.answer(connection, ServerFrame(**{field: answer}))
        finally:
            self._end(connection)

    def answer(self, connection: Connection, frame: ServerFrame) -> None:
        if connection.state == State.LIVE:
            self._connections.send(connection, websocket(frame.SerializeToString()))


def acknowledgement(request_id: str, answer: SendRsp) -> ServerFrame:
    """What the sender of a frame is told."""
    frame = ServerFrame()
    ack = frame.ack
    ack.request_id, ack.success = request_id, answer.success
    if not answer.success:
        ack.errmsg, ack.retry_after_ms = answer.errmsg, answer.retry_after_ms
        return frame
    message = answer.message
    ack.message_id, ack.seq, ack.timestamp = message.message_id, answer.seq, message.timestamp
    content = message.message
    if content.message_type:
        kind = content.WhichOneof("msg_content")
        if kind and kind != "string_message":
            ack.file_id = getattr(content, kind).file_id
    return frame
