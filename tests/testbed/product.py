"""A chat system as people run it: through the command line, kept running by the product's own loop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.process import alive, free_ports, wait_for
from tests.testbed.system import clean_environment


class Product:
    """One system in a state directory of its own. `spec` is what its declaration says; a test changes it and applies."""

    def __init__(self, directory: Path, name: str = "acme", **spec: Any) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.name = directory, name
        self.host = "127.0.0.1"
        limits = {"sendRate": 0, "requestRate": 0, "drainWindow": "1s"}
        self.spec: dict[str, Any] = {
            "version": "0.1.0",
            "services": {"gateway": {"config": limits}},
            **spec,
        }
        self.move()

    def move(self) -> None:
        """Declares other public ports."""
        self.http_port, self.websocket_port = free_ports(2)
        self.spec["exposure"] = {"http": self.http_port, "websocket": self.websocket_port}

    @property
    def root(self) -> Path:
        return self.directory / "state" / "systems" / self.name

    def command(self, *arguments: str, timeout: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Runs one verb."""
        command = [
            sys.executable,
            "-m",
            "controller.cli.main",
            "--state-dir",
            str(self.directory / "state"),
            *arguments,
        ]
        return subprocess.run(
            command,
            env=clean_environment(),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """Runs one verb that has to succeed; its output."""
        result = self.command(*arguments)
        assert result.returncode == 0, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result.stdout

    def declaration(self) -> str:
        """Writes the declaration; the path of its file."""
        document = {
            "apiVersion": "chatsystem.dev/v1alpha1",
            "kind": "ChatSystem",
            "metadata": {"name": self.name},
            "spec": self.spec,
        }
        path = self.directory / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True))
        return str(path)

    def provide(self, secret: str, values: Mapping[str, str]) -> None:
        """Puts the values of a secret that is not the controller's to make where it looks for them."""
        folder = self.root / "secrets" / secret
        folder.mkdir(parents=True, mode=0o700)
        for key, value in values.items():
            (folder / key).touch(mode=0o600)
            (folder / key).write_text(value)

    def scale(self, **replicas: int) -> None:
        """Changes the spec."""
        for name, count in replicas.items():
            self.spec["services"].setdefault(name, {})["replicas"] = count

    def up(self) -> Product:
        self.done("up", "--detach", "-f", self.declaration())
        return self

    def apply(self) -> None:
        """Declares the spec as it is now and waits until that is so."""
        self.done("apply", "-f", self.declaration())
        self.done("wait", self.name, "--for", "ready", "--timeout", "60s")

    def state(self) -> dict[str, Any]:
        return json.loads(self.done("status", self.name, "-o", "json"))

    def condition(self, kind: str) -> dict[str, Any]:
        """The condition of a type, or an empty one."""
        conditions = self.state()["status"].get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def ready(self) -> bool:
        return self.condition("Ready").get("status") == "True"

    def wait_ready(self, timeout: float = 30.0) -> None:
        wait_for(self.ready, timeout, "the loop has everything running", pause=0.3)

    @property
    def controller(self) -> int | None:
        """The process id of its loop."""
        found = self.state()["controller"]
        return int(found) if found else None

    def pids(self) -> dict[str, int]:
        """The processes that it runs now, by the name of the instance."""
        running = {}
        for path in (self.root / "instances").glob("*.json"):
            record = json.loads(path.read_text())
            if record.get("identity") and alive(record["identity"]["pid"]):
                running[record["id"]] = record["identity"]["pid"]
        return running

    def ports(self, workload: str, port: str) -> list[int]:
        """The numbers of a port of a workload's instances that run."""
        running = self.pids()
        records = [json.loads(path.read_text()) for path in (self.root / "instances").glob("*.json")]
        return [
            record["ports"][port] for record in records if record["id"] in running and record["workload"] == workload
        ]

    def kill_all(self) -> list[int]:
        """SIGKILL for every process but the loop's, all at once."""
        pids = list(self.pids().values())
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    def delete(self) -> None:
        """Removes it with its data, whatever state it is in."""
        if self.root.exists():
            self.command("delete", self.name, "--yes", "--purge")

    def log_tail(self, lines: int = 60) -> str:
        """The end of each log, for the report of a failed test."""
        parts = []
        for path in sorted((self.root / "logs").glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"--- {path.name}\n" + "\n".join(tail))
        return "\n".join(parts)
