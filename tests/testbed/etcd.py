"""An etcd server of Debian's package, or a cluster of them, in a folder and on ports of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.testbed.process import Process, free_ports, wait_for
from tests.testbed.rabbitmq import listening


class Etcd:
    """One member. Elections are quick, so that a lease may be as short as a second. `arguments`: further flags."""

    def __init__(self, directory: Path, *, arguments: Sequence[str] = (), scheme: str = "http") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port, peer = free_ports(2)
        self.peer = f"http://127.0.0.1:{peer}"
        self._scheme = scheme
        self._arguments = arguments
        self._form([self])

    def _form(self, members: Sequence[Etcd]) -> None:
        client = f"{self._scheme}://127.0.0.1:{self.port}"
        command = [
            "etcd",
            *("--name", self.name),
            *("--data-dir", str(self.directory / "data")),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer),
            *("--initial-cluster", ",".join(f"{each.name}={each.peer}" for each in members)),
            *("--heartbeat-interval", "50", "--election-timeout", "500"),
            *("--log-level", "warn"),
            *self._arguments,
        ]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        self.process = Process("etcd", command, self.directory / "etcd.log", environment)

    @property
    def name(self) -> str:
        return f"member-{self.port}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"etcd://{self.address}/service"

    def start(self) -> None:
        self.process.start()
        wait_for(lambda: listening(self.port), 20.0, "etcd listens", pause=0.02)

    def stop(self) -> None:
        self.process.stop()


@dataclass(frozen=True)
class Given:
    """A server that was there before the tests. `address` is host:port."""

    address: str


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd | Given]:
    """One server for the whole run: the one that CHATSYSTEM_TEST_ETCD_ADDRESS names (host:port), or one of its own."""
    if given := os.environ.get("CHATSYSTEM_TEST_ETCD_ADDRESS"):
        yield Given(given)
        return
    server = Etcd(tmp_path_factory.mktemp("etcd"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def cluster(directory: Path, size: int) -> list[Etcd]:
    """Members of one cluster, not started."""
    members = [Etcd(directory / str(number)) for number in range(size)]
    for member in members:
        member._form(members)
    return members
