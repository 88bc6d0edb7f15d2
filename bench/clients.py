"""The connections of the load generator: senders over HTTP and over the WebSocket, and receivers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import TypeVar

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.samples import Samples
from bench.wire import MARK, STAMP, SUCCESS, Template, authentication

_RUN = os.urandom(4).hex().encode()
"""Request ids are never used twice, also not by the next run against the same system."""

_ACK = 0x1A
"""First byte of a ServerFrame with an acknowledgement (field 3)."""


def request_ids(sender: int) -> Callable[[], bytes]:
    counter = iter(range(1 << 30))
    return lambda: b"%b%06d%010d" % (_RUN, sender, next(counter))


class HttpSender(asyncio.Protocol):
    """One kept-alive connection. In a closed loop every answer is followed by the next send."""

    def __init__(self, template: Template, samples: Samples, number: int) -> None:
        self.closed_loop = True
        self._template = template
        self._samples = samples
        self._next_id = request_ids(number)
        self._transport: asyncio.Transport | None = None
        self._sent_at: list[int] = []
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is none by inheritance

    def send(self) -> None:
        now = time.perf_counter_ns()
        self._sent_at.append(now)
        assert self._transport is not None
        self._transport.write(self._template.fill(self._next_id(), now))

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                break
            head = data[:end].lower()
            at = head.index(b"content-length:") + 15
            length = int(head[at:].split(b"\r\n", 1)[0])
            if len(data) < end + 4 + length:
                break
            self._answered(data[end + 4 : end + 4 + length])
            data = data[end + 4 + length :]
        self._buffer = data

    def _answered(self, body: bytes) -> None:
        samples = self._samples
        samples.acknowledgement.append((time.perf_counter_ns() - self._sent_at.pop(0)) / 1e9)
        if SUCCESS in body:
            samples.acknowledged += 1
        else:
            samples.refused += 1
            samples.last_refusal = body.decode(errors="replace")
        if self.closed_loop:
            self.send()


class Receiver(WSListener):  # type: ignore[misc]
    """Counts the messages that arrive. `protocol` 0 is an existing client, 1 one that speaks frames."""

    def __init__(self, samples: Samples, protocol: int = 1) -> None:
        self.protocol = protocol
        self._samples = samples

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        at = payload.find(MARK)
        if at >= 0:
            samples = self._samples
            samples.delivered += 1
            sent = int(payload[at + len(MARK) : at + len(MARK) + STAMP])
            samples.delivery.append((time.perf_counter_ns() - sent) / 1e9)


class SocketSender(WSListener):  # type: ignore[misc]
    """One WebSocket. In a closed loop every acknowledgement is followed by the next send."""

    protocol = 1

    def __init__(self, template: Template, samples: Samples, number: int) -> None:
        self.closed_loop = True
        self._template = template
        self._samples = samples
        self._next_id = request_ids(number)
        self._transport: WSTransport | None = None
        self._sent_at: list[int] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def send(self) -> None:
        now = time.perf_counter_ns()
        self._sent_at.append(now)
        assert self._transport is not None
        self._transport.send(WSMsgType.BINARY, self._template.fill(self._next_id(), now))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if not payload or payload[0] != _ACK:
            return
        samples = self._samples
        samples.acknowledgement.append((time.perf_counter_ns() - self._sent_at.pop(0)) / 1e9)
        if SUCCESS in payload:
            samples.acknowledged += 1
        else:
            samples.refused += 1
            samples.last_refusal = payload.decode(errors="replace")
        if self.closed_loop:
            self.send()


Client = TypeVar("Client", bound="Receiver | SocketSender")


async def connect(url: str, token: str, make: Callable[[], Client]) -> Client:
    """Opens a WebSocket and authenticates it; a client that speaks frames waits for its Welcome."""
    transport, client = await ws_connect(make, url)
    transport.send(WSMsgType.BINARY, authentication(token, client.protocol))
    return client  # type: ignore[no-any-return]
