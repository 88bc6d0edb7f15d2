"""Somebody comes back who has missed thousands of messages, and asks for them by sequence numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from bench.clients import connect
from bench.population import Population
from bench.subject import Subject
from services.protocol.gateway_pb2 import ClientFrame, ServerFrame
from services.protocol.store_pb2 import Cursor, SyncReq, SyncRsp

LIMIT = 10_000
"""Messages in one answer, as far as the server goes along."""


def catch_up(people: Population, subject: Subject, missed: int) -> str:
    """The newest `missed` messages of each conversation. Raises AssertionError if not all of them arrive in order."""
    return uvloop.run(_catch_up(people, subject, missed))


async def _catch_up(people: Population, subject: Subject, missed: int) -> str:
    cursors = {pair.chat_session_id: people.past - missed for pair in people.away}
    received = trips = size = 0
    async with _client(people.returning.token, subject) as client:
        epoch = (await client.next()).welcome.epoch
        began = time.perf_counter()
        complete = False
        while not complete:
            request = SyncReq(request_id=f"sync{trips}", epoch=epoch, limit=LIMIT)
            request.cursor.extend(Cursor(chat_session_id=name, seq=seq) for name, seq in cursors.items())
            answer = await client.ask(request)
            trips += 1
            size += answer.ByteSize()
            for delta in answer.delta:
                expected = cursors[delta.chat_session_id] + 1
                assert [each.seq for each in delta.message] == list(range(expected, expected + len(delta.message)))
                cursors[delta.chat_session_id] += len(delta.message)
                received += len(delta.message)
            complete = answer.complete
        elapsed = time.perf_counter() - began
    assert received == missed * len(cursors), f"{received} messages of {missed * len(cursors)} arrived"
    return (
        f"catching up: {received:,} messages of {len(cursors)} conversations ({size / 1e6:.1f} MB) in {elapsed:.2f} s"
        f" and {trips} round trips"
    )


class _Client(WSListener):  # type: ignore[misc]
    protocol = 1

    def __init__(self) -> None:
        self._frames: asyncio.Queue[ServerFrame] = asyncio.Queue()
        self.transport: WSTransport | None = None
        self._parts = bytearray()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self._parts += frame.get_payload_as_bytes()
        if frame.fin:
            self._frames.put_nowait(ServerFrame.FromString(bytes(self._parts)))
            self._parts.clear()

    async def next(self) -> ServerFrame:
        async with asyncio.timeout(30.0):
            return await self._frames.get()

    async def ask(self, request: SyncReq) -> SyncRsp:
        assert self.transport is not None
        self.transport.send(WSMsgType.BINARY, ClientFrame(sync=request).SerializeToString())
        while True:
            frame = await self.next()
            if frame.WhichOneof("frame") == "sync":
                assert frame.sync.success, frame.sync.errmsg
                return frame.sync


@asynccontextmanager
async def _client(token: str, subject: Subject) -> AsyncIterator[_Client]:
    client = await connect(f"ws://127.0.0.1:{subject.gateways[0][1]}/", token, _Client)
    try:
        yield client
    finally:
        assert client.transport is not None
        client.transport.disconnect()
