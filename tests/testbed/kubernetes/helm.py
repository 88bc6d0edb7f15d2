"""Helm for tests, with the project's chart."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.kubectl import Answer

CHART = Path(__file__).parents[3] / "charts" / "chatsystem"


@dataclass(frozen=True)
class Helm:
    """Without a kubeconfig: only what needs no cluster."""

    kubeconfig: Path | None = None

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """What it prints. Raises AssertionError with its error."""
        answer = self.ask(*arguments, values=values)
        assert answer.code == 0, f"helm {' '.join(arguments)}: {answer.error.strip()}"
        return answer.output

    def ask(self, *arguments: str, values: Mapping[str, Any] | None = None) -> Answer:
        """As a call, for commands that may fail. `values` go to the standard input as YAML."""
        command = [str(programs.helm()), *arguments]
        if self.kubeconfig is not None:
            command += ["--kubeconfig", str(self.kubeconfig)]
        if values is not None:
            command += ["--values", "-"]
        given = yaml.safe_dump(values) if values is not None else ""
        environment = {**os.environ, "NO_PROXY": "*", "HELM_NAMESPACE": ""}
        done = subprocess.run(command, input=given, capture_output=True, text=True, env=environment)
        return Answer(done.returncode, done.stdout, done.stderr)

    def template(self, *, namespace: str = "chat", values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The objects of a release named `demo`."""
        printed = self(
            *("template", "demo", str(CHART), "--namespace", namespace, "--kube-version", programs.VERSION),
            values=values or {},
        )
        return [each for each in yaml.safe_load_all(printed) if each]
