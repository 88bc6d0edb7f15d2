"""The five production stores side by side, as a chat system in production has them: MariaDB, Valkey, RabbitMQ, Elasticsearch,
etcd, each a server of its own with its own data, password and ports.

They belong to one system of a test, which may kill, pause and restart each of them.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.elasticsearch import Elasticsearch
from tests.testbed.etcd import Etcd
from tests.testbed.mariadb import MariaDB
from tests.testbed.process import Process
from tests.testbed.rabbitmq import RabbitMQ
from tests.testbed.valkey import Valkey

DATABASE = "chen_im"


@dataclass(frozen=True)
class Server:
    """What a test does to one store, the same for all five. `start` returns when it answers."""

    name: str
    start: Callable[[], None]
    stop: Callable[[], None]
    kill: Callable[[], None]
    signal: Callable[[signal.Signals], None]
    pid: Callable[[], int]


class ProductionStores:
    """`directory` has to be one that other users can enter, for Elasticsearch never runs as root. `mysql_options` are further
    ones of the server, `elasticsearch_options` those of its Java machine."""

    def __init__(
        self, directory: Path, *, mysql_options: tuple[str, ...] = (), elasticsearch_options: str | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.mysql = MariaDB(directory / "mysql", mysql_options)
        self.redis = Valkey(directory / "redis")
        self.rabbitmq = RabbitMQ(directory / "rabbitmq")
        java = {"java_options": elasticsearch_options} if elasticsearch_options else {}
        self.elasticsearch = Elasticsearch(directory / "elasticsearch", **java)
        self.etcd = Etcd(directory / "etcd")
        self.servers = {
            "mysql": _of_process("mysql", self.mysql.process, self.mysql.start),
            "redis": _of_process("redis", self.redis.process, self.redis.start),
            "rabbitmq": _of_process("rabbitmq", self.rabbitmq.process, self.rabbitmq.start),
            "elasticsearch": Server(
                "elasticsearch",
                self.elasticsearch.start,
                self.elasticsearch.stop,
                self.elasticsearch.kill,
                self.elasticsearch.signal,
                lambda: self.elasticsearch.pid,
            ),
            "etcd": _of_process("etcd", self.etcd.process, self.etcd.start),
        }

    def start(self) -> ProductionStores:
        """All at once; returns when every one answers and the database is there."""
        try:
            with ThreadPoolExecutor(len(self.servers)) as pool:
                list(pool.map(lambda server: server.start(), self.servers.values()))
            self.mysql.run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(lambda server: server.stop(), self.servers.values()))
        self.rabbitmq.stop()

    def pids(self) -> list[int]:
        """The processes of the servers that run."""
        return [server.pid() for server in self.servers.values() if server.pid()]

    def secrets(self) -> dict[str, dict[str, str]]:
        """Name of a secret -> key -> value, as `external` refers to them."""
        return {
            "mysql-client": {"username": self.mysql.access.username, "password": self.mysql.access.password},
            "redis-client": {"username": "default", "password": self.redis.password},
            "rabbitmq-client": {"username": self.rabbitmq.username, "password": self.rabbitmq.password},
            "elasticsearch-client": {
                "username": self.elasticsearch.access.username,
                "password": self.elasticsearch.password,
            },
            "elasticsearch-ca": {"ca.crt": self.elasticsearch.ca_file.read_text()},
        }

    def external(self) -> dict[str, Any]:
        """`spec.stores` of a declaration that uses them; the values of `secrets` have to be provided."""
        return {
            "mysql": _external(f"127.0.0.1:{self.mysql.port}", "mysql-client"),
            "redis": _external(f"127.0.0.1:{self.redis.port}", "redis-client"),
            "rabbitmq": _external(f"127.0.0.1:{self.rabbitmq.port}", "rabbitmq-client"),
            "elasticsearch": _external(
                self.elasticsearch.url, "elasticsearch-client", tls={"caSecret": "elasticsearch-ca"}
            ),
            "etcd": _external(self.etcd.address),
        }

    def settings(self) -> dict[str, str]:
        """The environment of the services that use them."""
        files = self.directory / "secrets"
        for name, values in self.secrets().items():
            (files / name).mkdir(parents=True, exist_ok=True)
            for key, value in values.items():
                (files / name / key).write_text(value)
                (files / name / key).chmod(0o600)
        settings = {
            "CHATSYSTEM_DATABASE_URL": f"mysql://127.0.0.1:{self.mysql.port}/{DATABASE}",
            "CHATSYSTEM_CACHE_URL": self.redis.url,
            "CHATSYSTEM_QUEUE_URL": self.rabbitmq.url,
            "CHATSYSTEM_SEARCH_URL": self.elasticsearch.url,
            "CHATSYSTEM_SEARCH_TLS": "true",
            "CHATSYSTEM_SEARCH_CA_FILE": str(files / "elasticsearch-ca" / "ca.crt"),
            "CHATSYSTEM_REGISTRY_URL": self.etcd.url,
        }
        for word, secret in (
            ("DATABASE", "mysql"),
            ("CACHE", "redis"),
            ("QUEUE", "rabbitmq"),
            ("SEARCH", "elasticsearch"),
        ):
            settings[f"CHATSYSTEM_{word}_USERNAME_FILE"] = str(files / f"{secret}-client" / "username")
            settings[f"CHATSYSTEM_{word}_PASSWORD_FILE"] = str(files / f"{secret}-client" / "password")
        return settings


@contextlib.contextmanager
def production_stores(*, mysql_options: tuple[str, ...] = ()) -> Iterator[ProductionStores]:
    """Started ones, in a folder that is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="chatsystem-stores-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        stores = ProductionStores(Path(folder), mysql_options=mysql_options).start()
        try:
            yield stores
        finally:
            stores.stop()


def _of_process(name: str, process: Process, start: Callable[[], None]) -> Server:
    def pid() -> int:
        return process.pid if process.running else 0

    return Server(name, start, process.stop, process.kill, process.signal, pid)


def _external(endpoint: str, secret: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"secretName": secret} if secret else {}
    return {"external": {"endpoints": [endpoint], **named, **more}}
