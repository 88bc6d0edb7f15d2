"""The system under test: which stores it has, how its services share processes, and who its processes are.

`embedded` is what a laptop has: SQLite with synchronous=FULL and one Valkey. `production` is MariaDB with
innodb_flush_log_at_trx_commit=1, Valkey with an append-only file, RabbitMQ, Elasticsearch by TLS, etcd.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.costs import Groups
from bench.population import Population, rows
from services.stores.mysql.literals import inserts
from tests.testbed.process import wait_for
from tests.testbed.production import DATABASE, ProductionStores
from tests.testbed.system import ROOT, System

StoreKind = Literal["embedded", "production"]
Layout = Literal["one", "split"]

MYSQL_OPTIONS = ("--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M")
"""What tests leave small. Every commit is on the disk before it counts: the test bed sets innodb_flush_log_at_trx_commit=1."""
ELASTICSEARCH_OPTIONS = "-Xms512m -Xmx512m"
"""Of the Java machine: with the second half of its compiler, which tests leave out."""

SETTINGS = {"CHATSYSTEM_GATEWAY_ACCEPT_RATE": "100000"}


@dataclass(frozen=True)
class Setup:
    """What to start. `replicas` of services and `settings` (environment) only where they differ from the defaults."""

    stores: StoreKind = "embedded"
    layout: Layout = "one"
    replicas: Mapping[str, int] | None = None
    settings: Mapping[str, str] | None = None

    def __str__(self) -> str:
        counts = "".join(f", {name} ×{count}" for name, count in (self.replicas or {}).items())
        return (
            f"{self.stores} stores, {'one process' if self.layout == 'one' else 'a process for each service'}{counts}"
        )


class Subject:
    """A system that runs. `services` and `stores` are names of `groups`."""

    def __init__(self, setup: Setup, system: System, stores: ProductionStores | None, started_in: float) -> None:
        self.setup = setup
        self.system = system
        self.started_in = started_in
        """Seconds from the first process of the services, the migration included, until all are ready."""
        self._stores = stores
        by_service: dict[str, list[int]] = {}
        for name, process in system.processes.items():
            by_service.setdefault(name.partition("-")[0], []).append(process.pid)
        self.services = list(by_service)
        servers = {name: [server.pid()] for name, server in stores.servers.items()} if stores else {}
        self.stores = list(servers) or ["redis"]
        self.groups: Groups = {**by_service, **(servers or {"redis": [system.valkey.process.pid]})}

    @property
    def gateways(self) -> list[tuple[int, int]]:
        """HTTP and WebSocket port of each gateway."""
        return list(self.system.gateway_ports.values())

    @property
    def service_pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.system.processes.items()}

    def inhabit(self, people: Population) -> None:
        """Writes everything about them straight into the database."""
        for table, columns, values in rows(people):
            self._insert(table, columns, values)

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if self._stores is not None:
            self._stores.mysql.run(*inserts(table, columns, rows), database=DATABASE)
            return
        with (
            contextlib.closing(sqlite3.connect(self.system.directory / "chat.db", timeout=30)) as connection,
            connection,
        ):
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def indexed(self, timeout: float = 120.0) -> float:
        """Waits until searches can see every message that is stored. Returns the seconds it took; 0 where the database
        itself is searched."""
        if self._stores is None:
            return 0.0
        began = time.monotonic()
        stored = self._stores.mysql.run("SELECT COUNT(*) FROM message", database=DATABASE)[0][0]
        count = "/chatsystem-messages-write/_count"
        ask = self._stores.elasticsearch.ask
        wait_for(lambda: ask(count)["count"] >= stored, timeout, "every message is in the search index", pause=0.2)
        return time.monotonic() - began


@contextlib.contextmanager
def started(setup: Setup, code: Path = ROOT) -> Iterator[Subject]:
    """A system of its own in a temporary folder, removed in the end. `code`: where its services are."""
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="chatsystem-bench-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o755)  # Elasticsearch never runs as root, and has to get to its own folder
        stores = None
        if setup.stores == "production":
            stores = ProductionStores(
                folder / "stores", mysql_options=MYSQL_OPTIONS, elasticsearch_options=ELASTICSEARCH_OPTIONS
            )
            stack.callback(stores.stop)
            stores.start()
        system = System(
            folder / "system",
            split=setup.layout == "split",
            replicas=setup.replicas,
            settings={**SETTINGS, **(setup.settings or {})},
            stores=stores,
            code=code,
        )
        stack.callback(system.stop)
        began = time.monotonic()
        system.start()
        yield Subject(setup, system, stores, time.monotonic() - began)
