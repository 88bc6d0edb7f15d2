"""The gateway as a hosted service: puts the parts together, starts, drains and stops them."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

from services.catalogue import BY_NAME
from services.gateway.assets import Assets, configuration
from services.gateway.connections import Connections
from services.gateway.epoch import EpochSource
from services.gateway.http import HttpLimits, HttpServer
from services.gateway.limits import RateLimiter
from services.gateway.listener import listen, raise_file_limit
from services.gateway.metrics import GatewayMetrics
from services.gateway.operations import Limits, Operations
from services.gateway.sessions import SessionCache
from services.gateway.tls import read_tls
from services.gateway.websocket import SocketLimits, WebSocketServer
from services.gateway.wheel import Wheel
from services.observation.tracer import Tracer
from services.protocol.gateway_pb2 import DeliveryBatch
from services.protocol.store_pb2 import SyncReq, SyncRsp
from services.protocol.user_pb2 import ValidateSessionReq, ValidateSessionRsp
from services.runtime.context import Runtime

log = logging.getLogger(__name__)


class Gateway:
    """Implements services.runtime.context.Hosted. `http_port` and `websocket_port` are the real ones after `start`."""

    name = "gateway"
    handlers: Mapping[str, Callable[..., Any]] = {}

    def __init__(
        self, runtime: Runtime, host: str, http_port: int, websocket_port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._runtime = runtime
        self._tls = tls
        self._host = host
        self.http_port = http_port
        self.websocket_port = websocket_port
        settings = runtime.settings
        self._drain_window = settings.number("gateway", "drainWindow")
        self._metrics = GatewayMetrics(runtime.metrics)
        self._connections = Connections(self._metrics)
        self._sessions = SessionCache(self._validate, runtime.clock)
        self._wheel = Wheel(
            tick=TICK,
            # Until then its presence was in the cache, and everything for its clients has waited for it.
            patience=settings.number("gateway", "presenceLifetime"),
            overslept=self._overslept,
        )
        requests = RateLimiter(settings.number("gateway", "requestRate"), settings.integer("gateway", "requestBurst"))
        self._operations = _operations(
            runtime.tracer,
            clients=runtime.clients,
            push=runtime.push,
            sessions=self._sessions,
            metrics=self._metrics,
            limits=Limits(
                requests=requests,
                sends=RateLimiter(settings.number("gateway", "sendRate"), settings.integer("gateway", "sendBurst")),
            ),
            monotonic=time.monotonic,
        )
        accept_rate = settings.integer("gateway", "acceptRate")
        self._epoch = EpochSource(self._sync, runtime.clock, self._restored)
        self._watching: asyncio.Task[None] | None = None
        self._websocket = WebSocketServer(
            operations=self._operations,
            connections=self._connections,
            push=runtime.push,
            epoch=self._epoch,
            metrics=self._metrics,
            limits=SocketLimits(
                max_connections=settings.integer("gateway", "maxConnections"),
                max_user_connections=settings.integer("gateway", "maxUserConnections"),
                max_frame=settings.integer("gateway", "maxFrameSize"),
                max_backlog=settings.integer("gateway", "maxBacklog"),
                authentication_timeout=settings.number("gateway", "authenticationTimeout"),
                ping_interval=settings.number("gateway", "pingInterval"),
            ),
            accept_rate=RateLimiter(accept_rate, accept_rate),
            floods=requests,
            wheel=self._wheel,
        )
        self._http: HttpServer | None = None

    async def start(self) -> None:
        raise_file_limit()
        settings = self._runtime.settings
        http = listen(self._host, self.http_port)
        try:
            websocket = listen(self._host, self.websocket_port, RECEIVE_BUFFER)
        except OSError:
            http.close()
            raise
        self.http_port, self.websocket_port = http.getsockname()[1], websocket.getsockname()[1]
        max_body, max_frame = settings.integer("gateway", "maxBodySize"), settings.integer("gateway", "maxFrameSize")
        self._http = HttpServer(
            operations=self._operations,
            metrics=self._metrics,
            limits=HttpLimits(
                max_body=max_body,
                max_requests=settings.integer("gateway", "maxRequests"),
                max_connections=settings.integer("gateway", "maxHttpConnections"),
                trusted_proxies=settings.integer("gateway", "trustedProxies"),
            ),
            assets=Assets() if settings.flag("gateway", "web") else None,
            configuration=configuration(self.websocket_port, {"maxBodySize": max_body, "maxFrameSize": max_frame}),
            websocket_port=self.websocket_port,
            tls=self._tls,
        )
        self._wheel.start()
        self._runtime.push.attach(self._deliver)
        await self._runtime.push.start()
        await self._websocket.start(websocket, self._tls)
        await self._http.start(http)
        self._watching = asyncio.get_running_loop().create_task(self._epoch.watch(), name="epoch-watch")
        log.info("gateway: http on %s:%d, websocket on port %d", self._host, self.http_port, self.websocket_port)

    async def drain(self) -> None:
        if self._http is not None:
            await asyncio.gather(self._http.drain(self._drain_window), self._websocket.drain(self._drain_window))

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._http is not None:
            await self._http.stop()
        await self._websocket.stop()
        await self._wheel.stop()
        await self._runtime.push.close()

    def _deliver(self, batch: DeliveryBatch) -> None:
        self._wheel.look()
        self._sessions.apply(batch)
        self._connections.deliver(batch)

    def _restored(self) -> None:
        self._websocket.restored()

    def _overslept(self) -> None:
        self._websocket.overslept()

    async def _validate(self, request: ValidateSessionReq) -> ValidateSessionRsp:
        answer: ValidateSessionRsp = await self._runtime.clients.call("user", "ValidateSession", request)
        return answer

    async def _sync(self, request: SyncReq) -> SyncRsp:
        answer: SyncRsp = await self._runtime.clients.call("store", "Sync", request)
        return answer


def _operations(tracer: Tracer | None, **parts: Any) -> Operations:
    if tracer is None:
        return Operations(**parts)
    from services.gateway.traced import TracedOperations

    return TracedOperations(tracer, **parts)


RECEIVE_BUFFER = 256 * 1024
"""Bytes. The WebSocket library's read buffer grows to what one read can bring, and stays that large."""
TICK = 0.5
"""Resolution of the connections' timers, in seconds."""


def create(runtime: Runtime) -> Gateway:
    """The gateway of this process, on the addresses of its settings."""
    http = BY_NAME["gateway"]
    environment = os.environ
    return Gateway(
        runtime,
        environment.get("CHATSYSTEM_HOST", "0.0.0.0"),
        int(environment.get("CHATSYSTEM_GATEWAY_PORT", http.port)),
        int(environment.get("CHATSYSTEM_GATEWAY_WEBSOCKET_PORT", http.websocket_port or 0)),
        read_tls(environment),
    )
