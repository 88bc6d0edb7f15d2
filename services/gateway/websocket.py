"""The WebSocket server: who may connect, who has authenticated, and how a stopping gateway says goodbye.

An existing client authenticates with its first frame and then only listens. What a client that asked for protocol 1 sends
goes to dispatch.py.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import socket
import ssl
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

from services.gateway.connection import CloseCode, Connection, State
from services.gateway.connections import Connections
from services.gateway.dispatch import Dispatch, Tasks
from services.gateway.epoch import EpochSource
from services.gateway.limits import RateLimiter
from services.gateway.metrics import GatewayMetrics
from services.gateway.operations import Operations
from services.gateway.tls import encrypted_by
from services.gateway.wheel import Wheel
from services.protocol.gateway_pb2 import (
    ClientAuthenticationReq,
    GoAway,
    ServerFrame,
    Welcome,
)
from services.runtime.push import PushBus
from services.runtime.rpc import Unavailable
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

MAX_HELD = 16
"""Frames that may come while the authentication is looked up."""
MAX_AUTHENTICATION = 4096
"""Size of an authentication frame, in bytes."""
REVALIDATION = 600.0
"""Seconds after which the session of an open connection is asked for again, which also keeps it alive."""
SILENCE = 2.5
"""Ping intervals without a sign of life after which a client counts as gone."""
READ_BUFFER = 2048
"""Bytes with which a connection's read buffer starts."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Sizes in bytes, times in seconds."""

    max_connections: int
    max_user_connections: int
    max_frame: int
    max_backlog: int
    authentication_timeout: float
    ping_interval: float


RETRY = (1, 5)
"""Seconds after which a refused client is asked to come back: one of them each, lest all come back together."""
RECONNECTS = 100
"""Clients that may come back in the same second after a drain without being a burden to who takes them."""


class WebSocketServer:
    def __init__(
        self,
        *,
        operations: Operations,
        connections: Connections,
        push: PushBus,
        epoch: EpochSource,
        metrics: GatewayMetrics,
        limits: SocketLimits,
        accept_rate: RateLimiter,
        floods: RateLimiter,
        wheel: Wheel,
    ) -> None:
        self._sessions = operations.sessions
        self._connections = connections
        self._push = push
        self._epoch = epoch
        self.metrics = metrics
        self.limits = limits
        self._accept_rate = accept_rate
        self.wheel = wheel
        self._all: set[Connection] = set()
        self._tasks = Tasks()
        self._dispatch = Dispatch(
            operations=operations,
            connections=connections,
            metrics=metrics,
            floods=floods,
            tasks=self._tasks,
            clock=wheel.clock,
        )
        self._next_id = secrets.randbits(31) << 32 | 1
        self._revalidating = asyncio.Semaphore(16)
        self._draining = False
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        quiet = logging.getLogger("services.gateway.websocket.transport")
        quiet.setLevel(logging.CRITICAL)  # what clients do wrong is counted, not logged line by line
        self._server = await ws_create_server(
            self._accept,
            sock=listener,
            **encrypted_by(tls),
            backlog=4096,
            max_frame_size=self.limits.max_frame,
            enable_auto_pong=False,  # the library answers a client that does not read, too
            read_buffer_init_size=READ_BUFFER,
            logger_name=logging.LoggerAdapter(quiet, {}),
        )

    def _accept(self, request: WSUpgradeRequest) -> Connection | WSUpgradeResponseWithListener:
        result = "accepted"
        if self._draining:
            result = "draining"
        elif len(self._all) >= self.limits.max_connections:
            result = "full"
        elif self._accept_rate.take("", self.wheel.clock()):
            result = "rate"
        self.metrics.opened[result].inc()
        if result != "accepted":
            seconds = random.randint(*RETRY)  # noqa: S311 - not a secret
            refusal = WSUpgradeResponse.create_error_response(503, b"try again later", {"Retry-After": str(seconds)})
            return WSUpgradeResponseWithListener(refusal, None)
        self._next_id += 1
        return Connection(self, self._next_id)

    def opened(self, connection: Connection) -> None:
        self._all.add(connection)
        self.metrics.connections.inc()
        connection.deadline = self.wheel.now + self.limits.authentication_timeout
        self.wheel.add(connection, self.until_authentication(connection))

    def until_authentication(self, connection: Connection) -> float:
        """Seconds until the next look at a connection that has not authenticated: no later than the first ping it would
        get after it has."""
        return min(connection.deadline - self.wheel.now, self.limits.ping_interval)

    def closed(self, connection: Connection) -> None:
        if connection in self._all:
            self._all.discard(connection)
            self.metrics.connections.dec()

    def left(self, connection: Connection) -> None:
        """An authenticated connection gets nothing more."""
        if self._connections.remove(connection):
            self._tasks.spawn(self._offline(connection.user_id))

    def ping(self, connection: Connection) -> float:
        """The regular look at a live connection. Returns the seconds until the next one."""
        now = self.wheel.now
        if now - connection.heard > SILENCE * self.limits.ping_interval and not connection.paused:
            self.metrics.closed["silent"].inc()
            connection.abort()
            return 0.0
        if now - connection.validated > REVALIDATION:
            connection.validated = now
            self._tasks.spawn(self._revalidate(connection))
        connection.send_ping()
        return self.limits.ping_interval

    def message(self, connection: Connection, payload: bytes, text: bool) -> None:
        match connection.state:
            case State.LIVE:
                if not connection.speaks_frames:
                    self._dispatch.ignore(connection)
                elif text:
                    connection.close(CloseCode.PROTOCOL_ERROR, "frames are binary", "malformed")
                else:
                    self._dispatch.frame(connection, payload)
            case State.NEW:
                self._first(connection, payload, text)
            case State.AUTHENTICATING:
                if connection.held is None:
                    connection.held = []
                if len(connection.held) >= MAX_HELD:
                    connection.close(CloseCode.POLICY, "too many frames before the authentication", "flooding")
                else:
                    connection.held.append(payload)

    def _first(self, connection: Connection, payload: bytes, text: bool) -> None:
        try:
            if text or len(payload) > MAX_AUTHENTICATION:
                raise DecodeError
            request = ClientAuthenticationReq.FromString(payload)
        except DecodeError:
            connection.close(CloseCode.NO_SESSION, "the first frame must be a ClientAuthenticationReq", "refused")
            return
        connection.state = State.AUTHENTICATING
        self._tasks.spawn(self._authenticate(connection, request))

    async def _authenticate(self, connection: Connection, request: ClientAuthenticationReq) -> None:
        try:
            session = await self._sessions.validate(request.session_id)
        except (TimeoutError, Unavailable, StoreError):
            self.metrics.authenticated["unavailable"].inc()
            connection.close(CloseCode.TRY_LATER, "the user service is not available", "unavailable")
            return
        except Exception:
            connection.close(CloseCode.FAILED, "the authentication failed", "failed")
            raise
        if connection.state != State.AUTHENTICATING:
            return
        if session is None:
            self.metrics.authenticated["refused"].inc()
            connection.close(CloseCode.NO_SESSION, "the login session is not valid", "refused")
            return
        connection.session = session
        connection.user_id, connection.session_key = session.user_id, session.key
        connection.speaks_frames = request.protocol >= 1
        self.metrics.authenticated["frames" if connection.speaks_frames else "plain"].inc()
        if not connection.speaks_frames:
            connection.enter()
        self._connections.add(connection)
        self._make_room(connection)
        await self._push.online(session.user_id)
        if connection.speaks_frames:
            epoch = await self._epoch.current(session)
            if connection.state != State.AUTHENTICATING:
                return
            connection.enter()
            connection.outbox = None
            welcome = Welcome(
                request_id=request.request_id,
                user_id=session.user_id,
                epoch=epoch,
                ping_interval_ms=int(self.limits.ping_interval * 1000),
            )
            self._dispatch.answer(connection, ServerFrame(welcome=welcome))
        held, connection.held = connection.held, None
        for payload in held or ():
            self.message(connection, payload, False)

    def _make_room(self, newcomer: Connection) -> None:
        """A device that a person has just opened is the one they look at; the one that was silent longest may be gone already."""
        others = self._connections.others(newcomer)
        surplus = len(others) + 1 - self.limits.max_user_connections
        if surplus > 0:
            for peer in sorted(others, key=lambda peer: peer.heard)[:surplus]:
                peer.displaced()

    async def _revalidate(self, connection: Connection) -> None:
        async with self._revalidating:
            if connection.state != State.LIVE or connection.session is None:
                return
            try:
                session = await self._sessions.validate(connection.session.token)
            except (TimeoutError, Unavailable, StoreError):
                return  # the next look asks again
            if session is None:
                connection.revoked()

    async def _offline(self, user_id: str) -> None:
        if not self._connections.online(user_id):  # they may have come back before this ran
            await self._push.offline(user_id)

    def overslept(self) -> None:
        """This process was stopped for longer than others counted on it. What its clients missed meanwhile is nowhere on the
        way to them, so they get nothing more here: they are to come back and to catch up."""
        log.warning("this process was stopped for a while: %d connections are closed", len(self._all))
        for connection in list(self._all):
            connection.close(CloseCode.RESTART, "the server was away", "overslept")

    def restored(self) -> None:
        """The history was restored to an older state: frame clients learn of it from the Welcome of their next connection."""
        for connection in list(self._all):
            if connection.speaks_frames:
                connection.close(CloseCode.RESTART, "the history was restored", "restored")

    async def drain(self, window: float) -> None:
        """Accepts nobody, tells frame clients when to come back, and closes every connection within `window` seconds once
        what it asked for is answered. Few clients need less time than that: they are no storm when they come back."""
        window = min(window, len(self._all) / RECONNECTS)
        self._draining = True
        self.metrics.draining.set(1)
        count = len(self._all)
        if self._server is not None:
            self._server.close()
        loop = asyncio.get_running_loop()
        started = loop.time()
        leaving: list[tuple[float, Connection]] = []
        for index, connection in enumerate(list(self._all)):
            at = window * (index + 1) / len(self._all)
            leaving.append((started + at, connection))
            if connection.speaks_frames:  # an existing client would take it for a notification
                self._dispatch.answer(connection, ServerFrame(go_away=GoAway(reconnect_after_ms=int(at * 1000))))
        limit = started + window + 5.0
        while leaving:
            now = loop.time()
            rest = []
            for at, connection in leaving:
                if connection.state != State.CLOSING and (at > now or (connection.in_flight and now < limit)):
                    rest.append((at, connection))
                else:
                    connection.close(CloseCode.RESTART, "the server is restarting", "draining")
            leaving = rest
            if leaving:
                await asyncio.sleep(0.05)
        for _ in range(20):  # the clients' own close frames
            if not self._all:
                break
            await asyncio.sleep(0.05)
        log.info("drained: %d of %d connections closed in %.1f s", count - len(self._all), count, loop.time() - started)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._all):
            connection.abort()
        await self._tasks.cancel()
