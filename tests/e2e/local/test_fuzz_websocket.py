"""Whatever arrives at the WebSocket port: the connection ends in time, and the server goes on."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.testbed import fuzz
from tests.testbed.schema import CODEC
from tests.testbed.system import System
from tests.testbed.websocket import BINARY, CLOSE, Frame, encode

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)
GOODBYE = encode(Frame(True, CLOSE, (1000).to_bytes(2, "big")))


pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Iterator[System]:
    settings = {"CHATSYSTEM_GATEWAY_AUTHENTICATION_TIMEOUT": "3s", "CHATSYSTEM_GATEWAY_MAX_FRAME_SIZE": "1Mi"}
    one = System(tmp_path_factory.mktemp("fuzz"), settings=settings).start()
    yield one
    one.stop()
    one.assert_clean()


@pytest.fixture
def unharmed(target: System) -> Iterator[System]:
    """The system, looked at after the test."""
    pid = target.processes["all"].pid
    yield target
    fuzz.assert_unharmed(target, pid)


def converse(system: System, data: bytes) -> bytes:
    """Opens a WebSocket, sends and waits for the end; what came after the handshake."""
    with socket.create_connection((system.host, system.websocket_port), timeout=fuzz.DEADLINE) as connection:
        connection.sendall(HANDSHAKE)
        received = bytearray()
        while b"\r\n\r\n" not in received:
            part = connection.recv(4096)
            assert part, "the handshake was not answered"
            received += part
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        received = bytearray(rest)
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                received += part
        except TimeoutError:
            raise AssertionError(f"no end within {fuzz.DEADLINE} s after {data[:300]!r}") from None
        except OSError:  # reset, or closed before the shutdown
            pass
    return bytes(received)


OPCODES = st.sampled_from([0, 0, 1, 2, 2, 2, 8, 9, 10, 3, 7, 11, 15])
FRAMES = st.builds(
    lambda final, opcode, payload, reserved, masked: encode(Frame(final, opcode, payload, reserved), masked=masked),
    st.booleans(),
    OPCODES,
    st.binary(max_size=150)
    | st.sampled_from([bytes(126), bytes(65_536), b"\x03\xe8", b"\x00\x00", b"\x0f", b"\xff\xff\xff"]),
    st.sampled_from([0, 0, 0, 0, 1, 2, 4, 7]),
    st.sampled_from([True, True, True, True, False]),
)
LYING = st.sampled_from(
    [
        bytes([0x82, 0xFE, 0x00, 0x05]) + bytes(4) + b"small",
        bytes([0x82, 0xFF]) + (5).to_bytes(8, "big") + bytes(4) + b"small",
        bytes([0x82, 0xFF]) + (2**63).to_bytes(8, "big") + bytes(4),
        bytes([0x82, 0xFF]) + (2**64 - 1).to_bytes(8, "big") + bytes(4),
        bytes([0x82, 0xFF]) + (2**21).to_bytes(8, "big") + bytes(4),
        bytes([0x82, 0x85, 0, 0]),
        bytes([0x89, 0xFE, 0x01, 0x00]) + bytes(4),
        bytes([0x88, 0x81]) + bytes(4) + b"x",
    ]
)


def opening(session_id: str, protocol: int) -> bytes:
    fields = {"request_id": "f", "session_id": session_id, "protocol": protocol or None}
    return encode(Frame(True, BINARY, CODEC.encode("ClientAuthenticationReq", fields)))


@fuzz.PROFILE
@given(protocol=st.sampled_from([None, 0, 1, 7]), frames=st.lists(FRAMES | LYING, min_size=1, max_size=6))
def _frames(system: System, session_id: str, protocol: int | None, frames: list[bytes]) -> None:
    first = b"" if protocol is None else opening(session_id, protocol)
    converse(system, first + b"".join(frames))


def test_frames_of_any_form(unharmed: System):
    session_id, _ = fuzz.account(unharmed)
    _frames(unharmed, session_id)


@fuzz.PROFILE
@given(data=st.data())
def _client_frames(system: System, fixed: dict[str, str], data: Any) -> None:
    payloads = data.draw(st.lists(fuzz.messages("ClientFrame", fixed).flatmap(fuzz.damaged), min_size=1, max_size=5))
    frames = b"".join(encode(Frame(True, BINARY, payload)) for payload in payloads)
    converse(system, opening(fixed["session_id"], 1) + frames + GOODBYE)


def test_client_frames_from_the_schema(unharmed: System):
    session_id, _ = fuzz.account(unharmed)
    _client_frames(unharmed, {"session_id": session_id})


@fuzz.PROFILE
@given(payload=st.binary(max_size=200) | fuzz.messages("ClientAuthenticationReq", {}))
def _authentications(system: System, payload: bytes) -> None:
    converse(system, encode(Frame(True, BINARY, payload)) + GOODBYE)


def test_authentications_of_any_form(unharmed: System):
    _authentications(unharmed)


LINES = st.sampled_from(
    [
        b"Host: x",
        b"Connection: Upgrade",
        b"Connection: keep-alive, Upgrade",
        b"Upgrade: websocket",
        b"Upgrade: WebSocket, x",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Version: 99",
        b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)),
        b"Sec-WebSocket-Key: !",
        b"Sec-WebSocket-Key:",
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        b"Sec-WebSocket-Extensions: ;;;",
        b"Sec-WebSocket-Protocol: a, b",
        b"Content-Length: 10",
        b"Transfer-Encoding: chunked",
        b"Origin: null",
        b"X: " + b"y" * 900,
        b"\xff\xfe: \x00",
        b"no colon",
    ]
)


@fuzz.PROFILE
@given(
    first=st.sampled_from(
        [b"GET / HTTP/1.1", b"GET / HTTP/1.0", b"POST / HTTP/1.1", b"GET", b"", b"GET /\xff\x00 HTTP/1.1"]
    ),
    lines=st.lists(LINES, max_size=10),
    rest=st.binary(max_size=40),
)
def _handshakes(system: System, first: bytes, lines: list[bytes], rest: bytes) -> None:
    answer = fuzz.exchange(system.host, system.websocket_port, b"\r\n".join([first, *lines, b"", b""]) + rest)
    assert not answer.startswith(b"HTTP/1.1 5"), answer[:200]


def test_handshakes_of_any_form(unharmed: System):
    _handshakes(unharmed)


@fuzz.PROFILE
@given(data=st.binary(max_size=300))
def _bytes(system: System, data: bytes) -> None:
    fuzz.exchange(system.host, system.websocket_port, data)


def test_bytes_of_any_kind(unharmed: System):
    _bytes(unharmed)
