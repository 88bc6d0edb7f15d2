"""A real chat system for a test: Valkey, the migration, and the services in one process or in seven.

It is started the way the control plane starts it, by environment and command line only, so that a test of the services does
not depend on the loop. Ports are free ones, everything lies below one directory, every process is stopped by its id.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.catalogue import SERVICES
from tests.testbed.process import Process, free_ports, wait_for
from tests.testbed.production import ProductionStores
from tests.testbed.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]

FOR_TESTS = {
    "CHATSYSTEM_GATEWAY_SEND_RATE": "0",
    "CHATSYSTEM_GATEWAY_REQUEST_RATE": "0",
    "CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "1s",
}
"""All clients of a test come from one address, so rates are limited only where a test is about limits; and no test waits
for its own idle connections while a gateway drains."""

_HOSTED = ("CHATSYSTEM_", "PYTHON")


def clean_environment() -> dict[str, str]:
    """The environment of this test run without settings that could leak into a system."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_HOSTED)}
    return environment | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


class System:
    """`split`: one process per service over the registry in Valkey, `replicas` of a service more than one. `settings` are
    further variables of all processes. `stores`: production stores that run, in place of the embedded ones. `code`: where the
    services are, if not here. Processes are named after their service, further replicas gateway-2 and so on."""

    def __init__(
        self,
        directory: Path,
        *,
        split: bool = False,
        replicas: Mapping[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
        stores: ProductionStores | None = None,
        code: Path = ROOT,
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.split = split
        self.stores = stores
        self.valkey = stores.redis if stores else Valkey(directory / "valkey")
        counts = {service.name: (replicas or {}).get(service.name, 1) for service in SERVICES} if split else {"all": 1}
        self._ports: Iterator[int] = iter(free_ports(4 * sum(counts.values()) + len(SERVICES)))
        self.host = "127.0.0.1"
        self._metrics_ports: dict[str, int] = {}
        self._environment = clean_environment() | self._store_settings() | FOR_TESTS
        # Not from the folder that this happens to be started in.
        self._environment |= {"PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
        for service in SERVICES:
            self._environment[f"CHATSYSTEM_{service.name.upper()}_PORT"] = str(next(self._ports))
        self._environment |= settings or {}
        self.gateway_ports: dict[str, tuple[int, int]] = {}
        """HTTP and WebSocket port by the name of the process."""
        self.processes: dict[str, Process] = {}
        for name, count in counts.items():
            for number in range(1, count + 1):
                replica = name if number == 1 else f"{name}-{number}"
                self.processes[replica] = self._process(replica, name)
        self.http_port, self.websocket_port = next(iter(self.gateway_ports.values()))

    def _store_settings(self) -> dict[str, str]:
        secret = self.directory / "rpc-secret"
        secret.write_text(secrets.token_urlsafe(32))
        secret.chmod(0o600)
        files = self.directory / "files"
        files.mkdir(exist_ok=True)
        registry = {"CHATSYSTEM_REGISTRY_URL": "none:"}
        if self.split:
            registry = {
                "CHATSYSTEM_REGISTRY_URL": self.valkey.url,
                "CHATSYSTEM_REGISTRY_PASSWORD_FILE": str(self.valkey.password_file),
                "CHATSYSTEM_RPC_SECRET_FILE": str(secret),
            }
        settings = registry | {
            "CHATSYSTEM_DATABASE_URL": f"sqlite:///{self.directory / 'chat.db'}",
            "CHATSYSTEM_CACHE_URL": self.valkey.url,
            "CHATSYSTEM_CACHE_PASSWORD_FILE": str(self.valkey.password_file),
            "CHATSYSTEM_QUEUE_URL": self.valkey.url,
            "CHATSYSTEM_QUEUE_PASSWORD_FILE": str(self.valkey.password_file),
            "CHATSYSTEM_SEARCH_URL": "database:",
            "CHATSYSTEM_FILES_URL": f"file://{files}",
            "CHATSYSTEM_HOST": "127.0.0.1",
            "CHATSYSTEM_LOG_LEVEL": "info",
        }
        if self.stores is None:
            return settings
        settings |= self.stores.settings()
        if not self.split:
            return settings | {"CHATSYSTEM_REGISTRY_URL": "none:"}
        settings.pop("CHATSYSTEM_REGISTRY_PASSWORD_FILE")
        return settings

    def _process(self, replica: str, service: str) -> Process:
        self._metrics_ports[replica] = next(self._ports)
        environment = self._environment | {
            "CHATSYSTEM_METRICS_PORT": str(self._metrics_ports[replica]),
            "CHATSYSTEM_INSTANCE": f"{replica}-{secrets.token_hex(3)}",
        }
        if service in ("all", "gateway"):
            self.gateway_ports[replica] = next(self._ports), next(self._ports)
            environment["CHATSYSTEM_GATEWAY_PORT"] = str(self.gateway_ports[replica][0])
            environment["CHATSYSTEM_GATEWAY_WEBSOCKET_PORT"] = str(self.gateway_ports[replica][1])
        elif replica != service:
            environment[f"CHATSYSTEM_{service.upper()}_PORT"] = str(next(self._ports))
        command = [sys.executable, "-m", "services.runtime.main", service]
        return Process(replica, command, self.directory / f"{replica}.log", environment)

    def add(self, replica: str, service: str) -> None:
        """Starts one more process of a service, or of all; does not wait for it to be ready."""
        self._ports = itertools.chain(self._ports, free_ports(4))
        self.processes[replica] = self._process(replica, service)
        self.processes[replica].start()

    def start(self) -> System:
        """Returns when every process says that it is ready."""
        try:
            if self.stores is None:
                self.valkey.start()
            self.migrate()
            for process in self.processes.values():
                process.start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def migrate(self) -> None:
        self.tool("migrate")

    def tool(self, *arguments: str, timeout: float = 60.0) -> str:
        """What a verb of `chatsystem-services` prints, with the environment of the services."""
        command = [sys.executable, "-m", "services.runtime.main", *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def health(self, process: str, path: str = "/readyz") -> tuple[int, str]:
        """Status and text of a health page, (0, "") when nobody answers."""
        return fetch(f"http://127.0.0.1:{self._metrics_ports[process]}{path}")

    def ready(self, process: str | None = None) -> bool:
        """Whether one process, or all of them, are ready."""
        names = [process] if process else list(self.processes)
        return all(self.health(name)[0] == 200 for name in names)

    def wait_ready(self, timeout: float = 90.0) -> None:
        def settled() -> bool:
            for process in self.processes.values():
                assert process.running, f"{process.name} ended with {process.exit_code}:\n{self.log_tail()}"
            return self.ready()

        wait_for(settled, timeout, "all processes are ready")

    def restart(self, name: str) -> None:
        """Starts a process that has ended; does not wait for it to be ready."""
        self.processes[name].start()

    def stop(self) -> None:
        """Stops everything, the gateways first."""
        waiting = sorted(self.processes.values(), key=lambda process: not process.name.startswith("gateway"))
        for process in waiting:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in waiting:
            process.stop()
        if self.stores is None:
            self.valkey.process.stop()

    def assert_clean(self) -> None:
        """No process has logged an exception that nobody expected, or ended in one."""
        for process in self.processes.values():
            output = process.output()
            assert "Traceback" not in output, f"{process.name} has logged a traceback:\n{output[-8000:]}"
            assert process.exit_code in (0, -signal.SIGKILL), f"{process.name} ended with {process.exit_code}"

    def logs(self) -> str:
        """What all service processes have logged."""
        return "".join(process.output() for process in self.processes.values())

    def log_tail(self, lines: int = 60) -> str:
        """The end of each log, for the report of a failed test."""
        parts = []
        for process in (*self.processes.values(), self.valkey.process):
            tail = process.output().splitlines()[-lines:]
            parts.append(f"--- {process.name} (pid {process.pid if process.running else 'none'})\n" + "\n".join(tail))
        return "\n".join(parts)


def fetch(url: str, timeout: float = 2.0) -> tuple[int, str]:
    """GET: status and text, (0, "") when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error, contextlib.suppress(OSError):
            return error.code, error.read().decode()
        return error.code, ""
    except OSError:
        return 0, ""


def readiness(text: str) -> dict[str, object]:
    """The JSON of /readyz."""
    parsed = json.loads(text)
    assert isinstance(parsed, dict)
    return parsed
