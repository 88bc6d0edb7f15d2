"""Health of a process over HTTP: /healthz (it is alive), /readyz (send it work), /metrics (Prometheus).

A server of its own and not the gateway's, because every process has one, also those without aiohttp. It answers GET,
one request a connection, on a port that is never published.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.observation.samples import Samples
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

_LARGEST_REQUEST = 8192
_REQUEST_TIMEOUT = 5.0
_CHECK_TIMEOUT = 2.0
_REMEMBER = 0.5
"""Seconds for which the result of the checks holds, however often it is asked for."""

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class Readiness:
    """Whether a process should get work: it has started, its stores answer, and it is not about to stop."""

    def __init__(self) -> None:
        self.state = "starting"
        """starting, running or draining."""
        self._checks: Mapping[str, Callable[[], Awaitable[None]]] = {}
        self._asked: tuple[float, dict[str, str]] | None = None

    def ask(self, checks: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Sets what must succeed: name -> a call that raises StoreError."""
        self._checks = checks
        self._asked = None

    async def report(self) -> tuple[bool, dict[str, object]]:
        """Ready or not, and why."""
        ready, results = await self.outcome()
        return ready, {"ready": ready, "state": self.state, "checks": results}

    async def outcome(self) -> tuple[bool, dict[str, str]]:
        """Ready or not, and the result of each check, "ok" or what is wrong."""
        results = await self._run_checks()
        return self.state == "running" and all(result == "ok" for result in results.values()), results

    async def _run_checks(self) -> dict[str, str]:
        if self._asked is None or time.monotonic() - self._asked[0] > _REMEMBER:
            results = await asyncio.gather(*(_result(check) for check in self._checks.values()))
            self._asked = (time.monotonic(), dict(zip(self._checks, results, strict=True)))
        return self._asked[1]


async def _result(check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT):
            await check()
    except StoreError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {_CHECK_TIMEOUT:g} s"
    return "ok"


class HealthServer:
    """Serves until `close`. `samples` are taken for every scrape."""

    def __init__(self, readiness: Readiness, metrics: CollectorRegistry, samples: Samples | None = None) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._samples = samples
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Raises OSError if the port is taken."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_LARGEST_REQUEST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT):
                head = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = await self._answer(head.split(b"\r\n", 1)[0].split(b" "))
                writer.write(
                    f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                    "Connection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            log.debug("a health request was broken off")
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, request_line: list[bytes]) -> tuple[int, str, bytes]:
        if len(request_line) != 3:
            return 400, "text/plain", b"not an HTTP request\n"
        if request_line[0] != b"GET":
            return 405, "text/plain", b"only GET\n"
        match request_line[1].split(b"?", 1)[0]:
            case b"/healthz":
                return 200, "text/plain", b"ok\n"
            case b"/readyz":
                ready, report = await self._readiness.report()
                return 200 if ready else 503, "application/json", json.dumps(report).encode() + b"\n"
            case b"/metrics":
                if self._samples is not None:
                    await self._samples.take()
                return 200, CONTENT_TYPE_LATEST, generate_latest(self._metrics)
        return 404, "text/plain", b"known are /healthz, /readyz and /metrics\n"
