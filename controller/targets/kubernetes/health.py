"""What is asked of the controller's pod: is it alive, is it ready, what does it measure. A web server with three pages.

Alive: reconciliations, watches and the look at the Lease come to an end, be it a bad one. A cluster that does not answer is no
reason to restart the controller; something of its own that hangs is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

HANGS = 300.0
"""Seconds after which something that has not come to an end hangs."""


@dataclass(frozen=True)
class Vitals:
    """Seconds that each has been without an end, and why the controller is not ready; empty: it is."""

    longest_pass: float
    slowest_watch: float
    lease_unasked: float
    obstacle: str = ""

    @property
    def hangs(self) -> str:
        """What hangs, in words; empty: nothing."""
        parts = {
            "a reconciliation": self.longest_pass,
            "a watch": self.slowest_watch,
            "the look at the Lease": self.lease_unasked,
        }
        return ", ".join(f"{name} for {age:.0f} s" for name, age in parts.items() if age > HANGS)


class HealthServer:
    """Serves /healthz, /readyz and /metrics, whose text `metrics` gives."""

    def __init__(self, vitals: Callable[[], Vitals], metrics: Callable[[], bytes], host: str, port: int) -> None:
        self._vitals = vitals
        self._metrics = metrics
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Raises OSError if the port is taken."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._alive),
                web.get("/readyz", self._ready),
                web.get("/metrics", self._measured),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _alive(self, _: web.Request) -> web.Response:
        hangs = self._vitals().hangs
        return web.Response(text=f"hangs: {hangs}" if hangs else "ok", status=503 if hangs else 200)

    async def _ready(self, _: web.Request) -> web.Response:
        obstacle = self._vitals().obstacle
        return web.Response(text=obstacle or "ok", status=503 if obstacle else 200)

    async def _measured(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})
