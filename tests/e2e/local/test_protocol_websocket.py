"""The WebSocket as existing clients use it, and the rules of RFC 6455 around it."""

from __future__ import annotations

import asyncio

import pytest

from tests.testbed import websocket
from tests.testbed.client import Api, Device, befriend
from tests.testbed.schema import CHAT_MESSAGE, CODEC, text
from tests.testbed.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, Frame


def authentication(session_id: str, **fields: object) -> bytes:
    return CODEC.encode("ClientAuthenticationReq", {"request_id": "a", "session_id": session_id, **fields})


async def open_socket(api: Api, path: str = "/") -> websocket.WebSocket:
    return await websocket.connect(api.host, api.websocket_port, path)


async def close_code(socket: websocket.WebSocket, timeout: float = 5.0) -> int:
    async with asyncio.timeout(timeout):
        with pytest.raises(Closed) as closed:
            while True:
                await socket.receive()
    return closed.value.code


@pytest.mark.parametrize("path", ["/", "/ws", "/anything/else?x=1"])
async def test_the_path_is_not_looked_at(pair, path: str):
    one, other, chat = pair
    device = await other.listen(path)
    await asyncio.sleep(0.15)
    await one.send(chat, text("hello"))
    await device.notification(CHAT_MESSAGE)
    await device.close()


@pytest.mark.parametrize("session_id", ["", "unknown", "x" * 43, "状态", "x" * 5000])
async def test_an_unknown_session_is_closed_with_1003(api: Api, session_id: str):
    socket = await open_socket(api)
    await socket.send(authentication(session_id))
    assert await close_code(socket) == 1003


@pytest.mark.parametrize("payload", [b"\xff\xff\xff", b"\x0a\x7f", b"\x00", b"\x12\x02\xff\xfe"])
async def test_an_unparsable_first_frame_is_closed_with_1003(api: Api, payload: bytes):
    socket = await open_socket(api)
    await socket.send(payload)
    assert await close_code(socket) == 1003


async def test_text_as_a_first_frame_is_closed(api: Api, pair):
    socket = await open_socket(api)
    await socket.send(b"hello", TEXT)
    assert await close_code(socket) == 1003


async def test_further_frames_of_a_plain_client_harm_nobody(pair):
    one, other, chat = pair
    device = await other.listen()
    for _ in range(20):
        await device.socket.send(authentication(other.session_id))
    await asyncio.sleep(0.1)
    if device.closed is None:
        await one.send(chat, text("still here"))
        await device.notification(CHAT_MESSAGE)
        assert len(device.raw) == 1
        await device.close()


async def test_a_fragmented_authentication_is_put_together(pair):
    one, other, chat = pair
    payload = authentication(other.session_id)
    socket = await open_socket(one.api)
    await socket.send_frame(Frame(False, BINARY, payload[:10]))
    await socket.send_frame(Frame(True, PING, b"between"))
    await socket.send_frame(Frame(False, CONTINUATION, payload[10:20]))
    await socket.send_frame(Frame(True, CONTINUATION, payload[20:]))
    device = Device(socket)
    await asyncio.sleep(0.2)
    await one.send(chat, text("hello"))
    await device.notification(CHAT_MESSAGE)
    await device.close()


async def test_a_ping_is_answered_with_its_payload(api: Api):
    socket = await open_socket(api)
    await socket.send_frame(Frame(True, PING, b"payload"))
    async with asyncio.timeout(5):
        frame = await socket.read_frame()
    assert (frame.opcode, frame.payload) == (PONG, b"payload")
    socket.abort()


async def test_a_close_is_answered_with_a_close(api: Api, pair):
    socket = await open_socket(api)
    await socket.send(authentication(pair[0].session_id))
    await socket.send_frame(Frame(True, CLOSE, (1000).to_bytes(2, "big")))
    async with asyncio.timeout(5):
        frame = await socket.read_frame()
    assert frame.opcode == CLOSE
    assert frame.payload[:2] == (1000).to_bytes(2, "big")
    socket.abort()


@pytest.mark.parametrize(
    ("frame", "masked"),
    [
        (Frame(True, BINARY, b"x"), False),
        (Frame(True, 3, b"x"), True),
        (Frame(True, 11, b""), True),
        (Frame(True, BINARY, b"x", reserved=4), True),
        (Frame(True, BINARY, b"x", reserved=1), True),
        (Frame(True, CONTINUATION, b"x"), True),
        (Frame(False, PING, b"x"), True),
        (Frame(True, PING, b"x" * 126), True),
    ],
    ids=["unmasked", "opcode-3", "opcode-11", "rsv1", "rsv3", "continuation-first", "fragmented-ping", "long-ping"],
)
async def test_a_violation_of_the_framing_ends_the_connection(api: Api, pair, frame: Frame, masked: bool):
    one, other, chat = pair
    socket = await open_socket(api)
    await socket.send(authentication(other.session_id))
    await socket.send_frame(frame, masked=masked)
    assert await close_code(socket) in (1002, 1003, 1006)
    await one.send(chat, text("the server goes on"))


async def test_a_frame_beyond_the_limit_ends_the_connection_before_it_is_sent(api: Api):
    socket = await open_socket(api)
    await socket.send_raw(bytes((0x82, 0x80 | 127)) + (2**40).to_bytes(8, "big") + b"\0\0\0\0")
    assert await close_code(socket) in (1009, 1002, 1006)


async def test_fragments_cannot_add_up_beyond_the_limit(start_system):
    own = start_system(settings={"CHATSYSTEM_GATEWAY_MAX_FRAME_SIZE": "64Ki"})
    socket = await websocket.connect(own.host, own.websocket_port)
    with pytest.raises(Closed):
        await socket.send_frame(Frame(False, BINARY, bytes(40_000)))
        for _ in range(100):
            await socket.send_frame(Frame(False, CONTINUATION, bytes(40_000)))
            await asyncio.sleep(0.005)
        await asyncio.wait_for(socket.receive(), 5)


@pytest.mark.defect("D6")
async def test_a_socket_that_does_not_authenticate_is_closed(start_system):
    own = start_system(settings={"CHATSYSTEM_GATEWAY_AUTHENTICATION_TIMEOUT": "1s"})
    socket = await websocket.connect(own.host, own.websocket_port)
    assert await close_code(socket, 8.0) in (1003, 1008, 1002, 1006)


async def test_the_server_pings_and_a_silent_client_is_dropped(start_system):
    own = start_system(settings={"CHATSYSTEM_GATEWAY_PING_INTERVAL": "1s"})
    api = Api(own.host, own.http_port, own.websocket_port)
    person = await api.register()
    polite, silent = await person.listen(), await person.listen()
    silent.socket.answer_pings = False
    closed = await silent.closing(15.0)
    assert closed.code != 1000
    assert polite.socket.pings >= 1
    assert polite.closed is None
    await polite.close()
    await api.close()


async def test_closing_the_socket_leaves_the_login_session_valid(pair):
    one, _, _ = pair
    device = await one.listen()
    await device.close()
    await one.call("get_user_info")
    again = await one.listen()
    await asyncio.sleep(0.1)
    assert again.closed is None
    await again.close()


async def test_an_ordinary_request_on_the_websocket_port_is_answered(api: Api):
    reader, writer = await asyncio.open_connection(api.host, api.websocket_port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        data = await reader.read(200)
    assert data == b"" or data.startswith(b"HTTP/1.1 4")
    writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n"
        b"Sec-WebSocket-Version: 8\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
    ids=["no-key", "old-version", "post", "tls", "long-header"],
)
async def test_a_bad_handshake_is_refused_and_the_server_goes_on(api: Api, pair, head: bytes):
    reader, writer = await asyncio.open_connection(api.host, api.websocket_port)
    try:
        writer.write(head)
        async with asyncio.timeout(12):
            assert not (await reader.read(400)).startswith(b"HTTP/1.1 101")
    except ConnectionError:
        pass
    finally:
        writer.close()
    device = await pair[0].listen()
    await device.close()


async def test_both_kinds_of_clients_live_side_by_side(api: Api):
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    plain, framed = await other.listen(), await other.connect()
    await asyncio.sleep(0.15)
    await one.send(chat, text("for both"))
    notification = await plain.notification(CHAT_MESSAGE)
    event = await framed.message()
    assert event["notify"]["new_message_info"] == notification["new_message_info"]
    assert event["seq"] == 1
    await plain.close()
    await framed.close()
