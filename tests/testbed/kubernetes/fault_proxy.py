"""The real API server with faults: a proxy in front of it that keeps a record of every request and does to some of them what networks
and busy servers do.

It runs in a thread of its own. What passes it speaks plain HTTP to the proxy, which speaks to the server as the administrator.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

_READ = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Request:
    """What was asked of the API server."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def writes(self) -> bool:
        return self.method not in _READ

    @property
    def watches(self) -> bool:
        return self.query.get("watch") in {"true", "1"}

    @property
    def is_lease(self) -> bool:
        return "/leases" in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Refuse:
    """Answers itself; the API server hears nothing of it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "the test refuses this"


@dataclass(frozen=True)
class Hang:
    """Never answers; the API server hears nothing of it."""


@dataclass(frozen=True)
class Lose:
    """Brings the request to the API server, and loses the answer."""


@dataclass(frozen=True)
class Cut:
    """Ends the connection; of a watch that is under way, too."""


Fault = Refuse | Hang | Lose | Cut


class FaultProxy:
    """`fault` is asked about each request in the proxy's thread; None lets it pass. `requests` is the record."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._server = cluster["server"]
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {"Authorization": f"Bearer {user['token']}"}
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._ended: asyncio.Event | None = None
        self._streams: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name="fault proxy", daemon=True)
        self.fault: Callable[[Request], Fault | None] = lambda _: None
        self.requests: list[Request] = []
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(30), "the fault proxy does not start"

    def stop(self) -> None:
        if self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)

    def kubeconfig(self, path: Path, namespace: str) -> Path:
        """Written to `path`: through the proxy, with a namespace for those who name none."""
        cluster = {"server": f"http://127.0.0.1:{self.port}"}
        context = {"cluster": "proxy", "user": "proxy", "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": cluster}],
            "users": [{"name": "proxy", "user": {"token": "unused"}}],
            "contexts": [{"name": "proxy", "context": context}],
            "current-context": "proxy",
        }
        path.write_text(json.dumps(config))
        return path

    def writes(self) -> list[Request]:
        """What changed something, but for renewals of the Lease."""
        return [request for request in self.requests if request.writes and not request.is_lease]

    def cut_watches(self) -> None:
        """Ends every watch that is under way."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._streams])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            self._session = session
            app = web.Application(client_max_size=64 * 2**20)
            app.router.add_route("*", "/{path:.*}", self._handle)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            self._started.set()
            await self._ended.wait()
            for task in self._streams:
                task.cancel()
            await runner.cleanup()

    async def _handle(self, incoming: web.Request) -> web.StreamResponse:
        body = await incoming.read()
        request = Request(incoming.method, incoming.path, dict(incoming.query), body.decode(errors="replace"))
        fault = self.fault(request)
        self.requests.append(request)
        match fault:
            case Refuse(status, headers, message):
                answer = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message}
                return web.json_response(answer, status=status, headers=dict(headers))
            case Hang():
                await asyncio.Event().wait()
            case Cut():
                _break(incoming)
        headers = {
            key: value for key, value in incoming.headers.items() if key.lower() not in {"host", "authorization"}
        }
        try:
            async with self._session.request(
                incoming.method,
                f"{self._server}{incoming.raw_path}",
                data=body or None,
                headers={**headers, **self._headers},
                timeout=aiohttp.ClientTimeout(total=None),
            ) as answer:
                if isinstance(fault, Lose):
                    await answer.read()
                    _break(incoming)
                return await self._pass_on(incoming, answer)
        except (aiohttp.ClientError, ConnectionError):
            # One end has gone: the other one is told so, and nothing more is to be said.
            _break(incoming)
            return web.Response(status=502)

    async def _pass_on(self, incoming: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        dropped = {"transfer-encoding", "content-length", "connection"}
        headers = {key: value for key, value in answer.headers.items() if key.lower() not in dropped}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(incoming)
        task = asyncio.current_task()
        assert task is not None
        if "watch" in incoming.query:
            self._streams.add(task)
        try:
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        except asyncio.CancelledError:
            _break(incoming)
            raise
        finally:
            self._streams.discard(task)
        return response


def _break(incoming: web.Request) -> None:
    if incoming.transport is not None:
        incoming.transport.abort()
