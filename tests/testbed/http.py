"""A minimal HTTP/1.1 client on plain sockets (RFC 9112): what it sends is exactly what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

_LARGEST_HEAD = 64 * 1024


class Disconnected(ConnectionError):
    """The server closed the connection, or it broke, before the answer was complete."""


@dataclass(frozen=True)
class Answer:
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError, OSError) as error:
        raise Disconnected("no answer") from error
    first, *lines = raw.decode("latin-1").split("\r\n")
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first.split(" ")[1]), headers


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                parts.append(await reader.readexactly(size))
                await reader.readexactly(2)
            await reader.readuntil(b"\r\n")
            return b"".join(parts)
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        return await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError, OSError) as error:
        raise Disconnected("the answer was cut off") from error


class HttpClient:
    """Requests to one server over kept-alive connections, as many as there are requests at the same time."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def move(self, host: str, port: int) -> None:
        """Further requests go to another address."""
        self._address = (host, port)
        while self._idle:
            self._idle.pop()[1].close()

    async def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 15.0,
    ) -> Answer:
        """Raises Disconnected, TimeoutError. Never repeats a request: whether it was carried out is the caller's question.
        An idle connection that the server has closed meanwhile counts as Disconnected, too."""
        async with asyncio.timeout(timeout):
            while self._idle:
                reader, writer = self._idle.pop()
                if not reader.at_eof() and not writer.is_closing():
                    break
                writer.close()
            else:
                reader, writer = await self._connect()
            try:
                fields = {"Host": "{}:{}".format(*self._address), "Content-Length": str(len(body)), **(headers or {})}
                return await self._exchange(reader, writer, method, head(method, target, fields) + body)
            except BaseException:
                writer.close()
                raise

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(*self._address, limit=_LARGEST_HEAD)
        except OSError as error:
            raise Disconnected("no connection") from error

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, request: bytes
    ) -> Answer:
        try:
            writer.write(request)
            await writer.drain()
        except (ConnectionError, OSError) as error:
            raise Disconnected("the connection broke") from error
        status, answered = await read_head(reader)
        content = b"" if method == "HEAD" or status in (204, 304) else await _read_body(reader, answered)
        if answered.get("connection", "").lower() == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        return Answer(status, answered, content)

    async def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()
        await asyncio.sleep(0)
