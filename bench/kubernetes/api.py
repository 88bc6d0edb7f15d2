"""The API server as the benchmark sees it: it declares, and watches when what it declared has come about."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from controller.targets.kubernetes.kinds import DEPLOYMENT, SYSTEM, Kind

AT_ONCE = 16
"""Requests of the benchmark's own under way."""


class Api:
    """As the administrator of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._server = cluster["server"]
        self._headers = {"Authorization": f"Bearer {user['token']}"}
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Api:
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        self._session = aiohttp.ClientSession(self._server, headers=self._headers, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path)

    async def create(self, path: str, document: dict[str, Any]) -> Any:
        return await self._ask("POST", path, document)

    async def merge(self, path: str, patch: dict[str, Any]) -> Any:
        return await self._ask("PATCH", path, patch, "application/merge-patch+json")

    async def _ask(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        data = json.dumps(body) if body is not None else None
        async with (
            self._turn,
            self._session.request(method, path, data=data, headers={"Content-Type": content}) as answer,
        ):
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text[:500]}"
            return json.loads(text)

    async def watch(self, kind: Kind, namespace: str) -> AsyncIterator[dict[str, Any]]:
        """Each object as it is now, and whenever it changes, until the API server ends it: it drops those that fall behind."""
        query = {"watch": "true", "timeoutSeconds": "86400"}
        unbounded = aiohttp.ClientTimeout(total=None, sock_read=None)
        async with self._session.get(
            kind.path(namespace), params=query, timeout=unbounded, read_bufsize=2**22
        ) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["object"]


class Sight:
    """When systems became Ready, and Deployments had which generation: on the benchmark's own clock, by watches."""

    def __init__(self) -> None:
        self.ready: dict[str, tuple[int, float]] = {}
        """System -> the generation that is Ready, and since when."""
        self.applied: dict[str, tuple[int, float]] = {}
        """Deployment -> its generation, and since when."""
        self._news = asyncio.Event()

    @asynccontextmanager
    async def watching(self, api: Api, namespace: str) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._follow(api, SYSTEM, namespace, self._system)),
            asyncio.create_task(self._follow(api, DEPLOYMENT, namespace, self._deployment)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until_ready(self, names: Iterable[str], generation: int, patience: float) -> None:
        """Raises AssertionError that says how many are not."""
        missing = set(names)
        try:
            async with asyncio.timeout(patience):
                while missing := {name for name in missing if self.ready.get(name, (0, 0.0))[0] < generation}:
                    await self._some_news()
        except TimeoutError:
            raise AssertionError(
                f"{len(missing)} systems are not Ready after {patience:.0f} s: {sorted(missing)[:3]}"
            ) from None

    async def until_applied(self, deployment: str, generation: int, patience: float) -> float:
        """When the Deployment had a generation later than this one."""
        async with asyncio.timeout(patience):
            while self.applied[deployment][0] <= generation:
                await self._some_news()
        return self.applied[deployment][1]

    async def _some_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _follow(self, api: Api, kind: Kind, namespace: str, see: Any) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async for item in api.watch(kind, namespace):
                    see(item)
            await asyncio.sleep(1.0)

    def _system(self, item: dict[str, Any]) -> None:
        name, generation = item["metadata"]["name"], item["metadata"]["generation"]
        conditions = (item.get("status") or {}).get("conditions") or ()
        is_ready = any(
            one["type"] == "Ready" and one["status"] == "True" and one["observedGeneration"] == generation
            for one in conditions
        )
        if is_ready and self.ready.get(name, (0, 0.0))[0] < generation:
            self.ready[name] = generation, time.monotonic()
            self._news.set()

    def _deployment(self, item: dict[str, Any]) -> None:
        name, generation = item["metadata"]["name"], item["metadata"]["generation"]
        if self.applied.get(name, (0, 0.0))[0] < generation:
            self.applied[name] = generation, time.monotonic()
            self._news.set()
