"""An S3 gateway over a folder for tests: versitygw, built once into the project's cache folder by the Go tool.

An address in CHATSYSTEM_TEST_S3_URL (http://host:port, with the keys in CHATSYSTEM_TEST_S3_ACCESS_KEY and _SECRET_KEY) is used
instead, where there is one.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from tests.testbed.process import Process, free_ports, wait_for

CACHE = Path(__file__).parents[2] / ".cache"
MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"


def program() -> Path:
    """The first call on a machine takes about a minute."""
    CACHE.mkdir(exist_ok=True)
    built = CACHE / "go-bin" / "versitygw"
    with (CACHE / "versitygw.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            if shutil.which("go") is None:
                raise AssertionError(
                    "The S3 gateway for the tests is built with Go, which is missing. Install Go 1.24 or later (go.dev/dl), or name "
                    "a server in CHATSYSTEM_TEST_S3_URL"
                )
            done = subprocess.run(
                ["go", "install", MODULE],
                env={**os.environ, "GOBIN": str(built.parent)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"versitygw could not be built:\n{done.stderr[-2000:]}"
    return built


class S3:
    """A server of its own with the bucket `files`; or the one that is `named` by its address. `users`: a folder in which a server
    of its own keeps further users."""

    bucket = "files"

    def __init__(self, directory: Path, named: str = "", *, users: Path | None = None) -> None:
        self.directory = directory
        self.access_key = os.environ.get("CHATSYSTEM_TEST_S3_ACCESS_KEY", "tester")
        self.secret_key = os.environ.get("CHATSYSTEM_TEST_S3_SECRET_KEY", secrets.token_urlsafe(24))
        self.process: Process | None = None
        if named:
            self.url = named.rstrip("/")
            return
        port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        (directory / "data" / self.bucket).mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "ROOT_ACCESS_KEY": self.access_key,
            "ROOT_SECRET_KEY": self.secret_key,
        }
        command = [
            str(program()),
            "--port",
            f"127.0.0.1:{port}",
            "--quiet",
            "--keep-alive",
            *(("--iam-dir", str(users)) if users else ()),
            "posix",
            "--nometa",
            str(directory / "data"),
        ]
        self.process = Process("versitygw", command, directory / "versitygw.log", environment)

    def start(self) -> None:
        if self.process is not None:
            self.process.start()
            wait_for(self._listens, 20.0, "versitygw listens", pause=0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.running, self.process.output()[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
