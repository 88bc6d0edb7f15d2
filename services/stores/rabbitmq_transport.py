"""The socket below a connection to RabbitMQ, kept in reach so that it can be ended at once.

The library says goodbye on a connection that it closes and waits for the answer, in places without a limit. A server that
hangs, or a network that swallows packets, must not hold up a process that wants to end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL


class Transport(TransportFactory):
    """For one connection."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **options)
        self._transport = writer.transport
        return reader, writer

    def abort(self) -> None:
        """Ends it without a word; what waits on it fails."""
        if self._transport is not None:
            self._transport.abort()
