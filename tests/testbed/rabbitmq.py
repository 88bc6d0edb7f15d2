"""A RabbitMQ server of Debian's package, with a user of its own, on one node with its own Erlang port mapper.

Nothing of it is left when it stops: the port mapper, which Erlang would otherwise start as a daemon for all of the machine,
runs in the foreground on a private port and ends by its process id.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from services.stores.access import Access
from tests.testbed.process import Process, free_ports, wait_for

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
READY = "Server startup complete"


class RabbitMQ:
    """`directory` holds data, configuration, log and password file. `tls`: the options ssl_options.* of its second port."""

    def __init__(self, directory: Path, *, tls: Mapping[str, str] | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.username = "chat"
        self.password = secrets.token_urlsafe(24)
        self.password_file = _private(directory / "password", self.password)
        self.port, self.tls_port, distribution, mapper = free_ports(4)
        _private(directory / ".erlang.cookie", secrets.token_hex(16)).chmod(0o400)
        _private(directory / "rabbitmq.conf", self._configuration(tls or {}))
        (directory / "plugins").write_text("[].\n")
        (directory / "environment").write_text("")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": str(directory / "environment"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_NODENAME": f"chat{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_LOGS": "-",
            # The Erlang machine in place of the script, so that a signal reaches it; and no busy waiting.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        self._mapper = Process("epmd", ["epmd", "-port", str(mapper)], directory / "epmd.log", self.environment)
        self.process = Process("rabbitmq", [str(SERVER)], directory / "rabbitmq.log", self.environment)

    def _configuration(self, tls: Mapping[str, str]) -> str:
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"default_user = {self.username}",
            f"default_pass = {self.password}",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 1GB",
        ]
        if tls:
            lines += [f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}"]
            lines += [f"ssl_options.{name} = {value}" for name, value in tls.items()]
        return "\n".join(lines) + "\n"

    @property
    def url(self) -> str:
        return f"amqp://127.0.0.1:{self.port}/"

    @property
    def access(self) -> Access:
        return Access(self.username, self.password)

    def start(self) -> None:
        if not self._mapper.running:
            self._mapper.start()
        seen = self.process.output().count(READY)
        self.process.start()
        wait_for(lambda: self.process.output().count(READY) > seen and listening(self.port), 60.0, "rabbitmq answers")

    def stop(self) -> None:
        self.process.stop()
        self._mapper.stop()


@dataclass(frozen=True)
class Given:
    """A server that was there before the tests."""

    url: str
    access: Access

    @property
    def port(self) -> int:
        return int(urlsplit(self.url).port or 5672)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ | Given]:
    """One server for the whole run: the one on this machine that CHATSYSTEM_TEST_RABBITMQ_URL names
    (amqp://user:password@127.0.0.1:port/), or one of its own."""
    if given := os.environ.get("CHATSYSTEM_TEST_RABBITMQ_URL"):
        parts = urlsplit(given)
        url = f"amqp://{parts.netloc.rpartition('@')[2]}{parts.path}"
        yield Given(url, Access(unquote(parts.username or "guest"), unquote(parts.password or "guest")))
        return
    server = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False
