"""A Docker engine for building images: the one that answers, or one of the test bed, whose images stay in the project's cache.

    python -m tests.testbed.engine COMMAND...     runs a command with it, for example: make images BASE=debian

The test bed's engine is shared by all who need it at the same time and ends with the last of them. It has no network of its
own: builds use this machine's, containers that tests run have none.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.testbed.machine import HOME, Lease, Machine, remove_cgroup, require
from tests.testbed.process import wait_for

CACHE = Path(__file__).parents[2] / ".cache"


@dataclass(frozen=True)
class Docker:
    """The docker program with an engine that answers."""

    program: str
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, stdin: IO[bytes] | None = None) -> str:
        """What it prints. Raises AssertionError with its error."""
        done = self.run(*arguments, stdin=stdin)
        error = (done.stderr or done.stdout).decode(errors="replace")
        assert done.returncode == 0, f"docker {' '.join(arguments)}:\n{error[-3000:]}"
        return done.stdout.decode(errors="replace")

    def run(self, *arguments: str, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[bytes]:
        """As a call, for commands that may fail."""
        return subprocess.run(
            [self.program, *arguments], stdin=stdin or subprocess.DEVNULL, capture_output=True, env=self.environment
        )

    def command(self, *arguments: str) -> list[str]:
        """For a program that is not given `environment`."""
        host = self.environment.get("DOCKER_HOST")
        return [self.program, *(["--host", host] if host else []), *arguments]

    def has(self, image: str) -> bool:
        return self.run("image", "inspect", image).returncode == 0


@functools.cache
def docker() -> Docker:
    """For the rest of the run."""
    given = {**os.environ, "DOCKER_BUILDKIT": "1"}
    if _answers(given):
        return Docker(_client(given), given)
    environment = {**given, "DOCKER_HOST": f"unix://{_engine()}"}
    return Docker(_client(environment), environment)


def _engine() -> Path:
    """The socket of the test bed's engine, which is started unless it runs."""
    require({"dockerd": "docker.io", "docker": "docker.io", "containerd": "containerd", "runc": "runc"})
    # Each checkout of the project with a cache of its own has an engine of its own.
    name = f"engine-{hashlib.sha256(str(CACHE.resolve()).encode()).hexdigest()[:8]}"
    directory = HOME / name
    starting, users = Lease(HOME / f"{name}.starting"), Lease(HOME / f"{name}.lock", shared=True)
    starting.take()
    try:
        users.take()
        atexit.register(users.release)
        socket = directory / "docker.sock"
        if not _answers({**os.environ, "DOCKER_HOST": f"unix://{socket}"}):
            _start(name, directory, users)
        return socket
    finally:
        starting.release()


def _start(name: str, directory: Path, users: Lease) -> None:
    cgroup = f"chatsystem-testbed-{name}"
    remove_cgroup(cgroup)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    machine = Machine(name, directory, users)
    machine.start()
    configuration = directory / "daemon.json"
    configuration.write_text("{}")
    engine = machine.program(
        "dockerd",
        *("dockerd", "--config-file", str(configuration), "--host", f"unix://{directory / 'docker.sock'}"),
        *("--data-root", str((CACHE / "docker").resolve()), "--exec-root", str(directory / "exec")),
        *("--pidfile", str(directory / "docker.pid"), "--cgroup-parent", f"/{cgroup}", "--log-level", "warn"),
        *("--bridge", "none", "--iptables=false", "--ip-masq=false", "--storage-driver", "overlay2"),
    )
    engine.start()

    def answers() -> bool:
        assert engine.running, f"dockerd has ended:\n{engine.output()[-3000:]}"
        return _answers({**os.environ, "DOCKER_HOST": f"unix://{directory / 'docker.sock'}"})

    wait_for(answers, 60.0, f"dockerd answers; its log is {engine.log}")


def _answers(environment: Mapping[str, str]) -> bool:
    program = shutil.which("docker")
    if program is None:
        return False
    asked = [program, "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, capture_output=True, env=environment).returncode == 0


def _client(environment: Mapping[str, str]) -> str:
    """The first docker program of the PATH that can build with BuildKit; from version 23 on that takes its plugin buildx."""
    folders = [*environment.get("PATH", "").split(os.pathsep), "/usr/bin"]
    for program in dict.fromkeys(shutil.which("docker", path=folder) for folder in folders):
        if program is not None:
            shown = subprocess.run([program, "build", "--help"], capture_output=True, text=True, env=environment)
            if shown.returncode == 0 and "--secret" in shown.stdout:
                return program
    raise AssertionError(
        "images are built with BuildKit, which the docker program here cannot do: install docker-buildx"
    )


def main(command: list[str]) -> int:
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    one = docker()
    path = f"{Path(one.program).parent}{os.pathsep}{one.environment.get('PATH', '')}"
    return subprocess.run(command, env={**one.environment, "PATH": path}).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AssertionError as error:
        sys.exit(f"test bed: {error}")
