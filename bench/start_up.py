"""How long `chatsystem up --detach` takes until people can open the system, on a machine that is set up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from controller.cli.version import installed_version
from tests.testbed.process import free_ports
from tests.testbed.system import ROOT, clean_environment

NAME = "bench"


def start_up(folder: Path) -> str:
    """Starts a system by its declaration, removes it again, and returns a sentence with the time or the reason."""
    http, websocket = free_ports(2)
    declaration = folder / "bench.json"
    declaration.write_text(
        json.dumps(
            {
                "apiVersion": "chatsystem.dev/v1alpha1",
                "kind": "ChatSystem",
                "metadata": {"name": NAME},
                "spec": {
                    "version": installed_version(),
                    "exposure": {"http": http, "websocket": websocket},
                    "deletionPolicy": "Delete",
                },
            }
        )
    )
    environment = clean_environment() | {"CHATSYSTEM_STATE_DIR": str(folder / "state")}

    def chatsystem(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "controller.cli.main", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    started = time.monotonic()
    done = chatsystem("up", "--detach", "-f", str(declaration))
    elapsed = time.monotonic() - started
    chatsystem("delete", NAME, "--yes")
    if done.returncode != 0:
        return f"up --detach: failed with exit code {done.returncode}: {done.stderr.strip()[-500:]}"
    return f"up --detach: {elapsed:.1f} s"
