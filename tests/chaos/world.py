"""A system with several processes of each service on all five stores, and the means to break each part of it.

The services reach the stores through links that can be cut or frozen where the schedule asks for that, and the stores' data
lie on small disks that can be filled. Everything is undone by `close`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from tests.chaos.faults import FILES, SERVICES, STORES, Fault, Strike
from tests.testbed import speech
from tests.testbed.process import Process, alive
from tests.testbed.production import ProductionStores, Server
from tests.testbed.proxy import Proxy
from tests.testbed.system import System

REPLICAS = 2
WORDS = "안녕하세요"
"""What the voice messages say."""

DISK_MIB = {"mysql": 400, "redis": 64, "rabbitmq": 256, "elasticsearch": 256, "etcd": 256, FILES: 64}
"""Sizes of the disks that can be filled. RabbitMQ takes nothing when less than 50 MB are free."""


class World:
    """`directory` is one that other users can enter. `links`, `disks`: what the faults to come need. `enter` starts it."""

    def __init__(self, directory: Path, *, links: bool = False, disks: bool = False) -> None:
        self.directory = directory
        self._disks: dict[str, Path] = {}
        self._open = AsyncExitStack()
        self._links: dict[str, Proxy] = {}
        self._with_links, self._with_disks = links, disks

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _start(self) -> None:
        stores, system = self.directory / "stores", self.directory / "system"
        if self._with_disks:
            for name in (*STORES, FILES):
                folder = system / "files" if name == FILES else stores / name
                self._disks[name] = folder
                self._open.enter_context(_small_disk(folder, DISK_MIB[name]))
        self.stores = ProductionStores(stores, mysql_options=("--max-connections=500",))
        await asyncio.to_thread(self.stores.start)
        self._open.push_async_callback(asyncio.to_thread, self.stores.stop)
        settings = self.stores.settings()
        if self._with_links:
            for name, port in self._store_ports().items():
                link = await self._open.enter_async_context(Proxy("127.0.0.1", port))
                self._links[name] = link
                settings = {key: value.replace(f":{port}", f":{link.port}") for key, value in settings.items()}
        settings |= {
            "CHATSYSTEM_SPEECH_MODEL_PATH": str(speech.model(self.directory)),
            "CHATSYSTEM_SPEECH_PHRASES": WORDS,
            "CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "2s",
        }
        self.system = System(
            system, split=True, replicas=dict.fromkeys(SERVICES, REPLICAS), settings=settings, stores=self.stores
        )
        self._open.push_async_callback(asyncio.to_thread, self.system.stop)
        await asyncio.to_thread(self.system.start)

    def _store_ports(self) -> dict[str, int]:
        stores = self.stores
        return {
            "mysql": stores.mysql.port,
            "redis": stores.redis.port,
            "rabbitmq": stores.rabbitmq.port,
            "elasticsearch": stores.elasticsearch.port,
            "etcd": stores.etcd.port,
        }

    async def strike(self, strike: Strike) -> None:
        """Breaks the part."""
        match strike.fault.name:
            case "kill" | "kill-all" | "restart":
                number = signal.SIGTERM if strike.fault.name == "restart" else signal.SIGKILL
                await asyncio.to_thread(self._end, strike, number)
            case "pause":
                self._victim(strike).signal(signal.SIGSTOP)
            case "cut":
                self._links[strike.part].cut()
            case "freeze":
                self._links[strike.part].freeze()
            case "disk-full":
                await asyncio.to_thread(_fill, self._disks[strike.part])

    async def mend(self, strike: Strike) -> None:
        """Undoes it. A store is back when it answers, a service when its processes were started."""
        match strike.fault.name:
            case "kill" | "kill-all" | "restart":
                await asyncio.to_thread(self._begin, strike)
            case "pause":
                self._victim(strike).signal(signal.SIGCONT)
            case "cut" | "freeze":
                self._links[strike.part].restore()
            case "disk-full":
                await asyncio.to_thread(self._make_room, strike.part)

    def replicas(self, service: str) -> list[Process]:
        return [self.system.processes[name] for name in (service, f"{service}-2")]

    def _victim(self, strike: Strike) -> Server | Process:
        if strike.part in STORES:
            return self.stores.servers[strike.part]
        return self.replicas(strike.part)[strike.replica]

    def _victims(self, strike: Strike) -> list[Server | Process]:
        return list(self.replicas(strike.part)) if strike.fault.name == "kill-all" else [self._victim(strike)]

    def _end(self, strike: Strike, number: signal.Signals) -> None:
        for victim in self._victims(strike):
            victim.kill() if number == signal.SIGKILL else victim.stop()

    def _begin(self, strike: Strike) -> None:
        for victim in self._victims(strike):
            victim.start()

    def _make_room(self, part: str) -> None:
        _empty(self._disks[part])
        if part == FILES:
            return
        server = self.stores.servers[part]
        if not server.pid():  # it gave up, as some do; whoever runs it starts it again
            server.start()

    def ready(self) -> bool:
        return all(process.running for process in self.system.processes.values()) and self.system.ready()

    def zombies(self) -> list[int]:
        """Children of this process that ended and that nobody has waited for."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                if fields[0] == "Z" and int(fields[1]) == os.getpid():
                    found.append(int(status.parent.name))
        return found

    def left(self, pids: list[int]) -> list[str]:
        """What is wrong after `close`: processes that are still there, and what the services should not have logged."""
        found = [f"process {pid} was left behind" for pid in pids if alive(pid)]
        try:
            self.system.assert_clean()
        except AssertionError as error:
            found.append(str(error))
        return found

    def pids(self) -> list[int]:
        return [process.pid for process in self.system.processes.values() if process.running] + self.stores.pids()


def needs(fault: Fault) -> bool:
    """Whether this machine can do it: small disks are mounted, which takes root."""
    return not fault.disk or os.getuid() == 0


@contextlib.contextmanager
def _small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "chatsystem-chaos", str(folder)], check=True)
    folder.chmod(0o755)
    try:
        yield
    finally:
        deadline = time.monotonic() + 10.0
        while subprocess.run(["umount", str(folder)], check=False).returncode and time.monotonic() < deadline:
            time.sleep(0.2)


_BALLAST = "ballast"


def _fill(folder: Path) -> None:
    with (folder / _BALLAST).open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            try:
                ballast.write(bytes(2**16))
            except OSError:
                while True:
                    ballast.write(b"\0" * 512)


def _empty(folder: Path) -> None:
    (folder / _BALLAST).unlink(missing_ok=True)
