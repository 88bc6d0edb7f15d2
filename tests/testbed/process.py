"""A program under test: started, watched, signalled and stopped by its process id alone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on right now, on 127.0.0.1 and on all interfaces."""
    held = [socket.socket() for _ in range(count)]
    try:
        for probe in held:
            probe.bind(("0.0.0.0", 0))
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


class Process:
    """One program with a log file. It may be started again after it ended; the log goes on."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._running: subprocess.Popen[bytes] | None = None
        self._asked = False
        """Whether it got a SIGTERM: a second one would end it without grace."""

    @property
    def pid(self) -> int:
        assert self._running is not None, f"{self.name} was not started"
        return self._running.pid

    @property
    def running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._running is None else self._running.poll()

    def start(self) -> None:
        assert not self.running, f"{self.name} runs already"
        self._asked = False
        with self.log.open("ab") as sink:
            self._running = subprocess.Popen(
                self._command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=self._environment
            )

    def signal(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)
            self._asked = self._asked or number == signal.SIGTERM

    def kill(self) -> None:
        """SIGKILL, and waits for the end."""
        self.signal(signal.SIGKILL)
        self.wait(10.0)

    def wait(self, timeout: float) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        assert self._running is not None
        return self._running.wait(timeout)

    def stop(self, patience: float = 15.0) -> None:
        """SIGTERM, and SIGKILL for what does not listen."""
        if not self.running:
            return
        if not self._asked:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(patience)
        if self.running:
            self.kill()

    def output(self) -> str:
        """Everything that it has printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def wait_for(condition, timeout: float, what: str, *, pause: float = 0.05) -> None:
    """Asks until it is true; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(pause)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
