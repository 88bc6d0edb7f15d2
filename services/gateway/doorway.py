"""The protocol of a WebSocket until it is known whose it is: what comes is little, or it waits, or it is not read.

The WebSocket library keeps a frame in memory until it is complete, and frames may be as large as files. So a stranger must
not be able to send one: bytes are counted on their way to the library, which then takes over alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

MOST = 16 * 1024
"""Bytes that a client may send before it is known."""


class Doorway(asyncio.BufferedProtocol):
    """Stands before `inner`, the library's protocol. `crowded` is called whenever more than MOST bytes have come; it returns
    whether they are to be read."""

    def __init__(self, transport: Any, crowded: Callable[[], bool]) -> None:
        self._transport = transport
        self._inner: Any = transport.get_protocol()
        self._crowded = crowded
        self._seen = 0
        self._reads = True
        transport.set_protocol(self)

    def leave(self) -> None:
        """From now on the library is alone with the client."""
        self._transport.set_protocol(self._inner)

    def get_buffer(self, sizehint: int) -> Any:
        return self._inner.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        if not self._reads:
            return
        self._inner.buffer_updated(nbytes)
        self._seen += nbytes
        if self._seen > MOST:
            self._reads = self._crowded()

    def eof_received(self) -> bool | None:
        answer: bool | None = self._inner.eof_received()
        return answer

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
