"""The HTTP server: the operations by POST, the web client by GET.

Every way a request can fail below the level of an operation ends in the one answer that existing clients know: 400,
`Bad Request`. It stands on aiohttp's low-level server: one dictionary instead of a router and middlewares.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler, RequestPayloadError
from multidict import CIMultiDict

from services.gateway.assets import Asset, Assets, security_headers
from services.gateway.bodies import SMALL, Malformed, parse, render
from services.gateway.listener import backlog
from services.gateway.metrics import GatewayMetrics
from services.gateway.operations import Operations
from services.gateway.routes import ROUTES
from services.gateway.tls import encrypted_by

log = logging.getLogger(__name__)

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Server": "chatsystem",
}
PROTOBUF = CIMultiDict({**CORS, "Content-Type": "application/x-protobuf"})
JSON = CIMultiDict({**CORS, "Content-Type": "application/json"})
PLAIN = CIMultiDict({**CORS, "Content-Type": "text/plain"})

MALFORMED = "请求格式错误"
BUSY = "系统繁忙，请稍后再试"

IDLE = 60.0
"""Seconds that a connection may take for the head of a request, or stay without one."""
BODY_GRACE = 15.0
BODY_RATE = 8 * 1024
"""A body may take the grace, in seconds, and beyond it one second for every so many bytes; either way."""
LARGE = 256 * 1024
"""Bytes of a response from which its client is given a time to take it."""
IDLE_GRACE = 1.0
IDLE_RATE = 100
"""A draining server leaves idle connections the grace, in seconds, or a second for every so many of them."""
BODY_MEMORY = 512 * 2**20
"""Bytes of bodies that are kept at the same time, from their first byte to their answer."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """`max_body` in bytes; `max_requests` are worked on at the same time; `max_connections` may be open; of so many
    `trusted_proxies` in front X-Forwarded-For is believed."""

    max_body: int
    max_requests: int
    max_connections: int
    trusted_proxies: int = 0


class Refused(Exception):
    """The request gets 400; `reason` is a word of metrics.BAD_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Protocol(RequestHandler):
    """A client's connection. What aiohttp itself refuses looks like everything else that is refused."""

    __slots__ = ("_http",)

    def __init__(self, http: HttpServer, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._http = http

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._http.connected += 1
        if self._http.connected > self._http.limits.max_connections:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._http.connected -= 1

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if status >= 500 and exc is not None:
            log.error("a request failed", exc_info=exc)
        response = self._http.bad("crash" if status >= 500 else "syntax")
        response.force_close()
        return response


class _Server(web.Server):
    """aiohttp's server with the connections above."""

    def __init__(self, http: HttpServer) -> None:
        super().__init__(http.handle)
        self._http = http

    def __call__(self) -> RequestHandler:
        return _Protocol(
            self._http,
            self,
            loop=self._loop,
            keepalive_timeout=IDLE,
            access_log=None,
            auto_decompress=False,
            lingering_time=2.0,
            max_headers=64,
        )


class HttpServer:
    """`configuration` is what GET /config.json answers; without `assets` the web client is not served."""

    def __init__(
        self,
        *,
        operations: Operations,
        metrics: GatewayMetrics,
        limits: HttpLimits,
        assets: Assets | None,
        configuration: Asset,
        websocket_port: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._operations = operations
        self._metrics = metrics
        self.limits = limits
        self._assets = assets
        self._configuration = configuration
        self._websocket_port = websocket_port
        self._tls = tls
        self._server: _Server | None = None
        self._accepting: asyncio.Server | None = None
        self._listener: socket.socket | None = None
        self._working = 0
        self._held = 0
        self._draining = False
        self.connected = 0

    async def start(self, listener: socket.socket) -> None:
        self._server = _Server(self)
        self._listener = listener
        self._accepting = await asyncio.get_running_loop().create_server(
            self._server, sock=listener, backlog=4096, **encrypted_by(self._tls)
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request."""
        try:
            response: web.Response
            if request.method == "POST":
                response = await self._operation(request)
            elif request.method == "OPTIONS":
                response = web.Response(headers=PLAIN)
            elif request.method in ("GET", "HEAD"):
                response = self._get(request)
            else:
                raise Refused("path" if request.method == "UNKNOWN" else "method")
        except Refused as refused:
            response = self.bad(refused.reason)
            if not request.content.is_eof():
                response.force_close()
        except RequestPayloadError:
            response = self.bad("syntax")
            response.force_close()
        if self._draining:
            response.force_close()
        if len(response.body or b"") > LARGE:  # type: ignore[arg-type] # all bodies here are bytes
            await self._write_large(request, response)
        return response

    async def _write_large(self, request: web.BaseRequest, response: web.Response) -> None:
        """A body that may have to wait for the client, who must not keep it in memory for ever."""
        try:
            async with asyncio.timeout(BODY_GRACE + len(response.body or b"") / BODY_RATE):  # type: ignore[arg-type]
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            self._metrics.bad["timeout"].inc()
            if request.transport is not None:
                request.transport.abort()

    def bad(self, reason: str) -> web.Response:
        """The answer to everything that is wrong with HTTP itself."""
        self._metrics.bad[reason].inc()
        return web.Response(status=400, body=b"Bad Request", headers=PLAIN)

    async def _operation(self, request: web.BaseRequest) -> web.Response:
        route = ROUTES.get(request.path)
        if route is None:
            raise Refused("path")
        headers = request.headers
        json = headers.get("Content-Type", "").startswith("application/json")
        json_answer = json and "application/json" in headers.get("Accept", "")
        content = request.content
        limit = self.limits.max_body if route.carries_content else min(SMALL, self.limits.max_body)
        body = content.read_nowait(-1) if content.is_eof() else await self._body(request, limit)
        size = len(body)
        if size > limit:
            raise Refused("size")
        if self._working >= self.limits.max_requests:
            response = route.response_type(success=False, errmsg=BUSY)
        else:
            self._working += 1
            self._held += size
            try:
                message = parse(route.request_type, body, json)
                del body
                response = await self._operations.perform(route, message, self._address(request))
            except Malformed:
                self._metrics.results[route.path, "refused"].inc()
                response = route.response_type(success=False, errmsg=MALFORMED)
            finally:
                self._working -= 1
                self._held -= size
        return web.Response(body=render(response, json_answer), headers=JSON if json_answer else PROTOBUF)

    def _address(self, request: web.BaseRequest) -> str:
        """The client's IP address, as far as it can be believed."""
        if self.limits.trusted_proxies:
            named = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
            if len(named) >= self.limits.trusted_proxies:
                return named[-self.limits.trusted_proxies].strip()[:64]
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        return str(peer[0]) if peer else ""

    async def _body(self, request: web.BaseRequest, limit: int) -> bytes:
        """A body that has not come as a whole: no bigger, no slower and not more of them than there may be."""
        declared = request.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise Refused("size")
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BODY_GRACE
        content, size = request.content, 0
        chunks: list[bytes] = []
        try:
            while True:
                async with asyncio.timeout_at(deadline + size / BODY_RATE):
                    chunk = await content.readany()
                if not chunk:
                    return b"".join(chunks)
                chunks.append(chunk)
                size += len(chunk)
                self._held += len(chunk)
                if size > limit:
                    raise Refused("size")
                if self._held > BODY_MEMORY:
                    raise Refused("overload")
        except TimeoutError:
            raise Refused("timeout") from None
        finally:
            self._held -= size

    def _get(self, request: web.BaseRequest) -> web.Response:
        if self._assets is None:
            raise Refused("path")
        if request.path == "/config.json":
            asset: Asset | None = self._configuration
        else:
            asset = self._assets.get(request.path)
        if asset is None:
            raise Refused("path")
        headers = CIMultiDict(
            {
                **CORS,
                **security_headers(request.headers.get("Host", ""), self._websocket_port),
                "Content-Type": asset.content_type,
                "Cache-Control": "no-cache",
                "ETag": asset.etag,
            }
        )
        if asset.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, headers=headers)

    async def drain(self, window: float) -> None:
        """Accepts nobody; answers what comes on open connections and closes each after its answer; returns when nothing is
        worked on, after `window` seconds at the most for those that only stay open. That is a grace for requests that are on
        their way, and idle connections of a few browsers need no more than a moment of it."""
        self._draining = True
        self._stop_accepting()
        loop = asyncio.get_running_loop()
        started = loop.time()
        window = min(window, max(IDLE_GRACE, self.connected / IDLE_RATE))
        while self._working or (self.connected and loop.time() < started + window):  # noqa: ASYNC110 - seconds, once
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._stop_accepting()
        if self._server is not None:
            self._server.pre_shutdown()
            await self._server.shutdown(2.0)
            self._server = None

    def _stop_accepting(self) -> None:
        accepting, self._accepting = self._accepting, None
        if accepting is None or self._server is None or self._listener is None:
            return
        loop = asyncio.get_running_loop()
        for connection in backlog(self._listener):
            loop.create_task(loop.connect_accepted_socket(self._server, connection, **encrypted_by(self._tls)))  # noqa: RUF006 - lives with the loop
        accepting.close()
