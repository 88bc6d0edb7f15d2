"""The hand-written HTTP and WebSocket clients against a server of another make, and their framing by law."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st

from tests.testbed import websocket
from tests.testbed.http import Disconnected, HttpClient
from tests.testbed.process import free_ports
from tests.testbed.websocket import BINARY, Closed, Frame, HandshakeRefused


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_applied_twice_is_none(payload, key):
    assert websocket.apply_mask(websocket.apply_mask(payload, key), key) == payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
async def test_an_unmasked_frame_is_read_as_it_was_written(size: int):
    reader = asyncio.StreamReader()
    frame = Frame(True, BINARY, bytes(size))
    reader.feed_data(websocket.encode(frame, masked=False))
    assert await websocket.read_frame(reader) == frame


async def test_a_masked_frame_of_a_server_is_an_error():
    reader = asyncio.StreamReader()
    reader.feed_data(websocket.encode(Frame(True, BINARY, b"x")))
    with pytest.raises(ValueError, match="never masks"):
        await websocket.read_frame(reader)


async def echo(request: web.Request) -> web.StreamResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    async for message in answer:
        if message.type == WSMsgType.BINARY:
            if message.data == b"close":
                await answer.close(code=4001, message=b"as you wish")
            else:
                await answer.send_bytes(message.data)
    return answer


async def repeat(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    if request.path == "/chunked":
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        for start in range(0, len(body), 7):
            await answer.write(body[start : start + 7])
        await answer.write_eof()
        return answer
    return web.Response(body=body, status=201)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/ws", echo)
    app.router.add_post("/{any}", repeat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_messages_of_all_sizes_come_back_and_the_close_code_is_told(port: int):
    socket = await websocket.connect("127.0.0.1", port, "/ws")
    for size in (0, 125, 126, 70_000):
        await socket.send(bytes(size))
        assert await socket.receive() == (BINARY, bytes(size))
    await socket.send(b"close")
    with pytest.raises(Closed) as closed:
        await socket.receive()
    assert (closed.value.code, closed.value.reason) == (4001, "as you wish")


async def test_a_refused_handshake_tells_its_status(port: int):
    with pytest.raises(HandshakeRefused) as refused:
        await websocket.connect("127.0.0.1", port, "/nowhere")
    assert refused.value.status in (404, 405)


@pytest.mark.parametrize("path", ["/plain", "/chunked"])
async def test_bodies_come_back_over_one_kept_connection(port: int, path: str):
    client = HttpClient("127.0.0.1", port)
    for size in (0, 10, 5000):
        answer = await client.request("POST", path, bytes(size))
        assert answer.body == bytes(size)
    assert len(client._idle) == 1
    await client.close()


async def test_nobody_at_the_port_is_said_as_such():
    client = HttpClient("127.0.0.1", free_ports(1)[0])
    with pytest.raises(Disconnected):
        await client.request("POST", "/")
