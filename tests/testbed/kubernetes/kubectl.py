"""kubectl for tests, with the kubeconfig of one cluster."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.kubernetes import programs


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    code: int
    output: str
    error: str


@dataclass(frozen=True)
class Kubectl:
    kubeconfig: Path

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """What it prints. Raises AssertionError with its error."""
        answer = self.ask(*arguments, stdin=stdin)
        assert answer.code == 0, f"kubectl {' '.join(arguments)}: {answer.error.strip()}"
        return answer.output

    def ask(self, *arguments: str, stdin: str = "") -> Answer:
        """As a call, for commands that may fail."""
        # What it remembers of a cluster is of this one: the next may have the same address.
        cache = self.kubeconfig.parent / "cache"
        command = [
            *(str(programs.kube()), "kubectl", "--kubeconfig", str(self.kubeconfig), "--cache-dir", str(cache)),
            *arguments,
        ]
        environment = {**os.environ, "NO_PROXY": "*"}
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment)
        return Answer(done.returncode, done.stdout, done.stderr)

    def get(self, *arguments: str) -> Any:
        """An object, or a list of objects, as plain data."""
        return json.loads(self("get", "--output", "json", *arguments))

    def exists(self, *arguments: str) -> bool:
        return bool(self("get", "--ignore-not-found", "--output", "name", *arguments).strip())

    def apply(self, *documents: Mapping[str, Any], namespace: str = "default") -> None:
        """Server-side, as a field manager of its own."""
        every = {"apiVersion": "v1", "kind": "List", "items": documents}
        self(
            *("--namespace", namespace, "apply", "--server-side", "--field-manager=tests", "--filename=-"),
            stdin=json.dumps(every),
        )

    def wait(self, *arguments: str, timeout: float = 120.0) -> None:
        """As `kubectl wait`: wait("--for=condition=Ready", "node", "--all"). Also where there is nothing yet to wait for, of which
        kubectl itself says that it failed."""
        deadline = time.monotonic() + timeout
        while True:
            left = max(1.0, deadline - time.monotonic())
            answer = self.ask("wait", f"--timeout={left:.0f}s", *arguments)
            if answer.code == 0:
                return
            early = any(words in answer.error for words in ("accessor error", "no matching resources", "NotFound"))
            assert early and time.monotonic() < deadline, f"kubectl wait {' '.join(arguments)}: {answer.error.strip()}"
            time.sleep(0.1)
