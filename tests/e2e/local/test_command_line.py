"""The verbs on a real system of the local target, each as a process of its own, as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "controller.cli.main"]


class Machine:
    """A state folder, and the command line on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "CHATSYSTEM_STATE_DIR": str(folder / "state")}

    def run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def done(self, *arguments: str, text: str | None = None) -> str:
        result = self.run(*arguments, text=text)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def state(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.done("status", name, "-o", "json"))
        return found

    def declare(self, name: str, **spec: Any) -> str:
        """A file with a declaration on free ports."""
        http, websocket = free_ports()
        document = {
            "apiVersion": "chatsystem.dev/v1alpha1",
            "kind": "ChatSystem",
            "metadata": {"name": name},
            "spec": {"version": "0.1.0", "exposure": {"http": http, "websocket": websocket}, **spec},
        }
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(document))
        return str(file)

    def remove_all(self) -> None:
        for system in json.loads(self.done("status", "-o", "json"))["systems"]:
            self.run("delete", system["name"], "--yes", "--purge")


def free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def answers(file: str) -> bool:
    port = yaml.safe_load(Path(file).read_text())["spec"]["exposure"]["http"]
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.remove_all()


def test_a_system_lives_through_its_verbs(machine: Machine) -> None:
    file = machine.declare("office")
    assert "+ start" in machine.done("plan", "-f", file)
    assert machine.run("status", "office").returncode == 1

    address = f"http://127.0.0.1:{yaml.safe_load(Path(file).read_text())['spec']['exposure']['http']}/"
    assert machine.done("up", "--detach", "-f", file) == f"office is ready: open {address}\n"
    assert answers(file)
    assert json.loads(machine.done("plan", "office", "-o", "json")) == {"name": "office", "steps": []}
    assert "office unchanged (generation 1)" in machine.done("apply", "-f", file)
    assert "held by the system office" in machine.done("doctor", "-f", file)

    assert "generation 2" in machine.done("scale", "office", "speech=0")
    machine.done("wait", "office", "--timeout", "30s")
    assert "speech" not in [row["name"] for row in machine.state("office")["status"]["components"]]

    assert "back to revision 1" in machine.done("rollback", "office")
    machine.done("wait", "office", "--for", "released", "--timeout", "30s")
    revisions = json.loads(machine.done("history", "office", "-o", "json"))["revisions"]
    assert [item["number"] for item in revisions] == [3, 2, 1]
    assert {item["verdict"] for item in revisions} == {"Released"}
    assert "speech.replicas: 1 -> 0" in revisions[1]["summary"] or "speech" in revisions[1]["summary"]
    assert json.loads(machine.done("events", "office", "-o", "json"))["events"]
    assert machine.done("logs", "office", "gateway", "--tail", "5")
    assert "did you mean gateway?" in machine.run("logs", "office", "gatway").stderr

    deleted = machine.done("delete", "office", "--yes")
    assert not answers(file)
    data = machine.folder / "state" / "systems" / "office" / "data"
    assert f"its data stays in {data}" in deleted
    assert data.is_dir()
    machine.done("delete", "office", "--yes", "--purge")
    assert not data.exists()
    assert json.loads(machine.done("status", "-o", "json")) == {"systems": []}


def test_a_taken_port_is_a_failure_that_names_the_holder_and_the_field(machine: Machine) -> None:
    file = machine.declare("blocked")
    port = yaml.safe_load(Path(file).read_text())["spec"]["exposure"]["http"]
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        checked = machine.run("doctor", "-f", file)
        assert checked.returncode == 1
        assert f"taken by python (process {os.getpid()})" in checked.stdout.replace("python3", "python")
        failed = machine.run("up", "--detach", "-f", file, "--timeout", "30s")
        assert failed.returncode == 1
        assert f"port {port}" in failed.stderr
        assert "spec.exposure.http" in failed.stderr
        assert "Traceback" not in failed.stderr
    # The controller tries again by itself; until it does, waiting tells of the failure.
    until = time.monotonic() + 60
    while machine.run("wait", "blocked").returncode and time.monotonic() < until:
        pass
    assert answers(file)


def test_a_paused_or_invalid_system_without_a_controller_can_be_deleted(machine: Machine) -> None:
    file = machine.declare("broken")
    machine.done("up", "--detach", "-f", file)
    assert machine.run("wait", "broken", "--for", "deleted").returncode == 1
    machine.done("pause", "broken")
    paused = machine.run("wait", "broken")
    assert (paused.returncode, "chatsystem resume broken" in paused.stderr) == (1, True)
    os.kill(machine.state("broken")["controller"], signal.SIGTERM)
    declaration = machine.folder / "state" / "systems" / "broken" / "declaration.json"
    kept = json.loads(declaration.read_text())
    kept["document"]["spec"]["surprise"] = 1
    kept["generation"] += 1
    declaration.write_text(json.dumps(kept))
    machine.done("delete", "broken", "--yes")
    assert not answers(file)


def test_up_in_the_foreground_ends_with_everything_stopped_and_the_data_kept(machine: Machine) -> None:
    file = machine.declare("front")
    process = subprocess.Popen(
        [*COMMAND, "up", "-f", file], env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("front is ready: open http://127.0.0.1:")
        assert answers(file)
        second = machine.run("up", "-f", file)
        assert (second.returncode, f"driven by process {process.pid}" in second.stderr) == (1, True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
    finally:
        process.kill()
        process.wait()
    assert "front is stopped" in errors
    assert not answers(file)
    assert machine.state("front")["controller"] is None
    assert (machine.folder / "state" / "systems" / "front" / "data").is_dir()


def test_waiting_without_a_controller_says_how_to_start_one(machine: Machine) -> None:
    file = machine.declare("alone")
    machine.done("up", "--detach", "-f", file)
    pid = machine.state("alone")["controller"]
    machine.done("scale", "alone", "speech=0")
    machine.done("wait", "alone")
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 10
    while machine.state("alone")["controller"] is not None and time.monotonic() < until:
        time.sleep(0.05)
    waited = machine.run("wait", "alone", "--for", "deleted")
    assert "chatsystem delete alone" in waited.stderr
    assert "chatsystem controller --only alone" in machine.done("status", "alone")
    assert answers(file)


def test_time_out_has_an_exit_code_of_its_own_and_names_what_is_waited_for(machine: Machine) -> None:
    file = machine.declare("slow")
    late = machine.run("up", "--detach", "-f", file, "--timeout", "0")
    assert late.returncode == 4
    assert "not ready after 0 s" in late.stderr
    machine.done("wait", "slow", "--timeout", "30s")


def test_what_crashes_again_and_again_is_a_failure_with_its_last_words(machine: Machine) -> None:
    environment = {"CHATSYSTEM_DATABASE_URL": "nonsense:x"}
    file = machine.declare("crashing", services={"transmit": {"environment": environment}})
    failed = machine.run("up", "--detach", "-f", file, "--timeout", "50s")
    assert failed.returncode == 1
    assert "CHATSYSTEM_DATABASE_URL" in failed.stderr
    assert "nonsense" in failed.stderr
    machine.done("delete", "crashing", "--yes", "--purge")
    assert not (machine.folder / "state" / "systems" / "crashing").exists()
