"""A whole system on this machine for tests: real services and stores, and a controller in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from controller.targets.local import identity, records
from controller.targets.local.layout import StateDir
from controller.targets.local.session import LocalSession, open_session

SECONDS = 60.0


def two_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def declaration(**spec: Any) -> dict[str, Any]:
    http, websocket = two_ports()
    return {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": "acme"},
        "spec": {"version": "0.1.0", "exposure": {"http": http, "websocket": websocket}, **spec},
    }


async def eventually(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


class Here:
    """The machine of a test, with one system."""

    def __init__(self, folder: Path) -> None:
        self.state = StateDir(folder)
        self.paths = self.state.system("acme")
        self.session: LocalSession = open_session(folder)

    def end(self) -> None:
        """Kills what is left of the system."""
        driver = self.session.controller_pid("acme")
        if driver is not None and driver != os.getpid():
            os.kill(driver, signal.SIGKILL)
        for process in self.processes():
            identity.send(process, signal.SIGKILL, group=True)

    def carriers(self) -> list[str]:
        """The ids of all processes of this machine that say they are instances of this system."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                variables = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
                line = (entry / "cmdline").read_bytes() if variables else b""
            except OSError:
                continue
            root = str(self.paths.root).encode()
            token = next((item for item in variables if item.startswith(b"CHATSYSTEM_INSTANCE=")), None)
            if token is not None and (root in line or any(root in item for item in variables)):
                found.append(token.partition(b"=")[2].decode())
        return sorted(found)

    async def ready(self) -> bool:
        stored = await self.session.store.get("acme")
        if stored is None or stored.status.get("observedGeneration") != stored.generation:
            return False
        return any(item["type"] == "Ready" and item["status"] == "True" for item in stored.status["conditions"])

    def processes(self) -> list[identity.Identity]:
        return [item.identity for item in records.load_instances(self.paths) if item.identity is not None]

    async def answers(self, document: dict[str, Any]) -> int:
        address = self.session.target.endpoints(document)[0]
        return await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=10).status)
