"""A minimal WebSocket client on plain sockets (RFC 6455), able to send what no well-behaved client would."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass

from tests.testbed.http import Disconnected, head, read_head

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(ConnectionError):
    """The connection is over. `code` is the close code, 1006 if there was no close frame."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class HandshakeRefused(ConnectionError):
    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was answered with {status}")
        self.status = status


@dataclass(frozen=True)
class Frame:
    final: bool
    opcode: int
    payload: bytes
    reserved: int = 0
    """The three reserved bits, as 0 to 7."""


def encode(frame: Frame, *, masked: bool = True) -> bytes:
    """The bytes of a frame; clients have to mask, a test may choose not to."""
    first = frame.final << 7 | frame.reserved << 4 | frame.opcode
    size = len(frame.payload)
    mask_bit = 0x80 if masked else 0
    if size < 126:
        header = bytes((first, mask_bit | size))
    elif size < 2**16:
        header = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return header + frame.payload
    key = os.urandom(4)
    return header + key + apply_mask(frame.payload, key)


def apply_mask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """One frame of the server. Raises Closed(1006) at the end of the stream, ValueError for a masked frame."""
    try:
        first, second = await reader.readexactly(2)
        if second & 0x80:
            raise ValueError("a server never masks")
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await reader.readexactly(8), "big")
        payload = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError, OSError) as error:
        raise Closed(1006) from error
    return Frame(bool(first & 0x80), first & 0x0F, payload, first >> 4 & 7)


class WebSocket:
    """One open connection. `receive` answers pings by itself unless `answer_pings` is turned off."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.answer_pings = True
        self.pings = 0

    async def send(self, payload: bytes, opcode: int = BINARY) -> None:
        await self.send_raw(encode(Frame(True, opcode, payload)))

    async def send_frame(self, frame: Frame, *, masked: bool = True) -> None:
        await self.send_raw(encode(frame, masked=masked))

    async def send_raw(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ConnectionError, OSError) as error:
            raise Closed(1006) from error

    async def receive(self) -> tuple[int, bytes]:
        """The next message: opcode and payload. Raises Closed."""
        opcode, parts = -1, []
        while True:
            frame = await read_frame(self._reader)
            if frame.reserved:
                raise ValueError("reserved bits without an extension")
            if frame.opcode == CLOSE:
                self._answer(Frame(True, CLOSE, frame.payload[:2]))
                self._writer.close()
                code = int.from_bytes(frame.payload[:2], "big") if len(frame.payload) >= 2 else 1005
                raise Closed(code, frame.payload[2:].decode("utf-8"))
            if frame.opcode == PING:
                self.pings += 1
                if self.answer_pings:
                    self._answer(Frame(True, PONG, frame.payload))
            elif frame.opcode == PONG:
                continue
            else:
                if frame.opcode != CONTINUATION:
                    opcode = frame.opcode
                parts.append(frame.payload)
                if frame.final:
                    return opcode, b"".join(parts)

    async def read_frame(self) -> Frame:
        """The next frame as it came, control frames included."""
        return await read_frame(self._reader)

    def _answer(self, frame: Frame) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(frame))

    async def close(self, code: int = 1000) -> None:
        """Says goodbye and closes."""
        self._answer(Frame(True, CLOSE, code.to_bytes(2, "big")))
        self.abort()
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Closes the socket without a word."""
        self._writer.close()

    def reset(self) -> None:
        """Cuts the connection so that even what was written may be lost."""
        self._writer.transport.abort()


async def connect(host: str, port: int, path: str = "/", *, timeout: float = 10.0) -> WebSocket:
    """Opens a connection and checks the server's half of the handshake. Raises HandshakeRefused, Disconnected."""
    key = base64.b64encode(os.urandom(16))
    fields = {
        "Host": f"{host}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": key.decode(),
        "Sec-WebSocket-Version": "13",
    }
    async with asyncio.timeout(timeout):
        try:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(head("GET", path, fields))
        except OSError as error:
            raise Disconnected("no connection") from error
        try:
            status, answered = await read_head(reader)
        except BaseException:
            writer.close()
            raise
    expected = base64.b64encode(hashlib.sha1(key + _ACCEPT_GUID, usedforsecurity=False).digest()).decode()
    if status != 101 or answered.get("sec-websocket-accept") != expected:
        writer.close()
        raise HandshakeRefused(status)
    return WebSocket(reader, writer)
