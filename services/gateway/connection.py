"""One WebSocket connection: its frames, its outbox and its end. What a message means is decided in websocket.py."""

from __future__ import annotations

import enum
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from services.gateway.doorway import Doorway
from services.gateway.sessions import Session
from services.protocol.transmit_pb2 import NewMessageReq

if TYPE_CHECKING:
    from services.gateway.websocket import WebSocketServer

log = logging.getLogger(__name__)

BINARY, TEXT, CONTINUATION = WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CONTINUATION
CLOSE, PING = WSMsgType.CLOSE, WSMsgType.PING

Waiting = dict[str, deque[tuple[NewMessageReq, int]]]
"""Sends behind one that must be answered first, and their weights, by conversation (dispatch.py)."""

LINGER = 5.0
"""Seconds that a client has to answer a close frame."""


class State(enum.IntEnum):
    NEW = 0
    """Open, and nothing has come yet."""
    AUTHENTICATING = 1
    """The first frame came; whose it is, is being asked."""
    LIVE = 2
    CLOSING = 3
    """A close frame was sent, or the connection is lost."""


class CloseCode(enum.IntEnum):
    """The close codes of RFC 6455 section 7.4.1 and its registry that the gateway sends, and one of its own range."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    NO_SESSION = 1003
    POLICY = 1008
    TOO_BIG = 1009
    FAILED = 1011
    RESTART = 1012
    TRY_LATER = 1013
    DISPLACED = 4001


class Connection(WSListener):
    """Implements connections.Peer and wheel.Timed."""

    __slots__ = (
        "_doorway",
        "_fragments",
        "_fragments_text",
        "_raw",
        "_server",
        "_transport",
        "deadline",
        "heard",
        "held",
        "id",
        "in_flight",
        "outbox",
        "paused",
        "session",
        "session_key",
        "speaks_frames",
        "state",
        "user_id",
        "validated",
        "waiting",
    )

    def __init__(self, server: WebSocketServer, connection_id: int) -> None:
        self._server = server
        self._transport: WSTransport | None = None
        self._raw: Any = None
        self._doorway: Doorway | None = None
        self._fragments: bytearray | None = None
        self._fragments_text = False
        self.id = connection_id
        self.state = State.NEW
        self.user_id = ""
        self.session_key = ""
        self.session: Session | None = None
        self.speaks_frames = False
        self.outbox: list[bytes] | None = None
        self.held: list[bytes] | None = None
        self.in_flight = 0
        self.waiting: Waiting | None = None
        self.paused = False
        self.heard = self.validated = server.wheel.now
        self.deadline = 0.0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._raw = transport.underlying_transport
        self._doorway = Doorway(self._raw, self._crowded)
        self._server.opened(self)

    def enter(self) -> None:
        """It is known whose connection this is, and everything it sends is taken."""
        self.state = State.LIVE
        if self._doorway is not None:
            self._doorway.leave()
            self._doorway = None
        self.resume_reading()

    def _crowded(self) -> bool:
        if self.state == State.AUTHENTICATING:
            self.pause_reading()
            return True
        self.close(CloseCode.NO_SESSION, "the first frame must be a ClientAuthenticationReq", "refused")
        return False

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._lost()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        try:
            self._frame(transport, frame)
        except Exception:
            log.exception("a WebSocket frame could not be handled", extra={"user_id": self.user_id})
            self.close(CloseCode.FAILED, "internal error", "failed")

    def _frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.heard = self._server.wheel.now
        kind = frame.msg_type
        if self.state == State.CLOSING:
            if kind == CLOSE:
                transport.disconnect()
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(CloseCode.PROTOCOL_ERROR, "no extension was negotiated", "malformed")
        elif kind == BINARY and frame.fin and self._fragments is None:
            self._server.message(self, frame.get_payload_as_bytes(), False)
        elif kind == CLOSE:
            self.close(CloseCode.NORMAL, "", "")
            transport.disconnect()
        elif kind == PING:
            self._pong(transport, frame)
        elif kind in (BINARY, TEXT, CONTINUATION):
            self._fragment(kind, frame)

    def _pong(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._raw.get_write_buffer_size() > self._server.limits.max_backlog:  # it pings and does not read
            self._server.metrics.closed["slow"].inc()
            self.abort()
        else:
            transport.send_pong(frame.get_payload_as_bytes())

    def _fragment(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Part of a message in several frames (RFC 6455 section 5.4), or a text message."""
        if (kind == CONTINUATION) == (self._fragments is None):
            self.close(CloseCode.PROTOCOL_ERROR, "fragments are out of order", "malformed")
            return
        if self._fragments is None:
            self._fragments = bytearray()
            self._fragments_text = kind == TEXT
        if len(self._fragments) + frame.payload_size > self._server.limits.max_frame:
            self._fragments = None
            self.close(CloseCode.TOO_BIG, "the message is too big", "too_big")
            return
        self._fragments += frame.get_payload_as_memoryview()
        if frame.fin:
            message, self._fragments = bytes(self._fragments), None
            self._server.message(self, message, self._fragments_text)

    def flush(self) -> None:
        outbox, self.outbox = self.outbox, None
        if self.state != State.LIVE or not outbox:  # before its Welcome a client hears nothing: it will synchronise
            return
        raw = self._raw
        if raw.get_write_buffer_size() > self._server.limits.max_backlog:
            self._server.metrics.closed["slow"].inc()
            self.abort()
        elif len(outbox) == 1:
            raw.write(outbox[0])
        else:
            raw.writelines(outbox)

    def pause_writing(self) -> None:
        """What is not written waits in the transport; `flush` bounds it."""

    def resume_writing(self) -> None: ...

    def pause_reading(self) -> None:
        """Takes nothing more from the client until `resume_reading`."""
        if not self.paused and self._raw is not None:
            self.paused = True
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        if self.paused and self._raw is not None and not self._raw.is_closing():
            self.paused = False
            self._raw.resume_reading()

    def close(self, code: CloseCode, text: str, why: str) -> None:
        """Sends what is in the outbox, then a close frame; `why` is a word of metrics.CLOSE_REASONS or empty."""
        if self.state == State.CLOSING:
            return
        self.flush()
        transport = self._transport
        if transport is None or self._left():
            return
        self._leave()
        if why:
            self._server.metrics.closed[why].inc()
        self.resume_reading()
        transport.send_close(WSCloseCode(code), text.encode())
        self._server.wheel.add(self, LINGER)

    def abort(self) -> None:
        """Ends the connection without a word: nobody would read it."""
        raw = self._raw
        self._leave()
        if raw is not None:
            raw.abort()

    def revoked(self) -> None:
        self.close(CloseCode.NO_SESSION, "the login session was ended", "revoked")
        self.session = None  # nothing that waits is begun any more

    def displaced(self) -> None:
        self.close(CloseCode.DISPLACED, "the account has more connections than it may have", "displaced")

    def due(self) -> float:
        """Of wheel.Timed: the deadline of authentication, of a close, or the next ping."""
        if self._transport is None:
            return 0.0
        match self.state:
            case State.CLOSING:
                self.abort()
                return 0.0
            case State.LIVE:
                return self._server.ping(self)
            case _:
                if self._server.wheel.now < self.deadline:
                    return self._server.until_authentication(self)
                self.close(CloseCode.POLICY, "no authentication in time", "unauthenticated")
                return 0.0

    def send_ping(self) -> None:
        if self._transport is not None:
            self._transport.send_ping()

    def _left(self) -> bool:
        return self.state == State.CLOSING

    def _leave(self) -> None:
        if self.state != State.CLOSING:
            authenticated = bool(self.user_id)
            self.state = State.CLOSING
            self.outbox = self.held = self._fragments = None
            if authenticated:
                self._server.left(self)

    def _lost(self) -> None:
        self._leave()
        self._transport = self._raw = self._doorway = None
        self._server.closed(self)
