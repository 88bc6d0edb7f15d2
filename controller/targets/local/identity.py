"""Which process is ours: a process id alone is not enough, it is given to another process later.

A process is known by its id, the time it started (in the kernel's own ticks where there is /proc) and the boot of the
machine. All three must match before a signal is sent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")
TOKEN = "CHATSYSTEM_INSTANCE"  # noqa: S105 - the name of a variable
"""Variable by which a process carries the id of its instance, so that it is found even if its id was never recorded."""


@dataclass(frozen=True)
class Identity:
    """`start` is the process's start time as the system counts it; `boot` names the boot of the machine."""

    pid: int
    start: str
    boot: str


@cache
def boot_id() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def identify(pid: int) -> Identity | None:
    """The identity of a process that runs now; None if there is none, or only its remains."""
    start = _start_of(pid)
    return None if start is None else Identity(pid, start, boot_id())


def is_alive(identity: Identity) -> bool:
    return identity.boot == boot_id() and _start_of(identity.pid) == identity.start


def send(identity: Identity, number: signal.Signals, *, group: bool = False) -> bool:
    """Signals the process, or with `group` everything in the session that it leads. False: it is not there any more."""
    if not is_alive(identity):
        return False
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(identity.pid, number)
        else:
            os.kill(identity.pid, number)
        return True
    return False


def find(token: str) -> Identity | None:
    """The process of this user that carries the token in its environment, if there is one."""
    wanted = f"{TOKEN}={token}".encode()
    for pid in _pids():
        if wanted in _environment(pid):
            return identify(pid)
    return None


def _start_of(pid: int) -> str | None:
    try:
        text = (PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None if PROC.joinpath("self").exists() else _start_without_proc(pid)
    except OSError:
        return None
    # The name in parentheses may hold anything; the fields after it are counted from the last one.
    fields = text[text.rindex(b")") + 2 :].split()
    state, start = fields[0], fields[19]
    return None if state in {b"Z", b"X"} else start.decode()


def _start_without_proc(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def _pids() -> list[int]:
    try:
        return [int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit()]
    except OSError:
        import psutil

        return [int(pid) for pid in psutil.pids()]


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


class Children:
    """The processes that this controller started itself: it has to collect them when they end, and alone learns their exit
    codes."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._codes: dict[int, int] = {}

    def add(self, child: subprocess.Popen[bytes]) -> None:
        self._children[child.pid] = child
        self._codes.pop(child.pid, None)

    def collect(self) -> None:
        for pid, child in list(self._children.items()):
            code = child.poll()
            if code is not None:
                del self._children[pid]
                self._codes[pid] = code

    def code(self, pid: int) -> int | None:
        """The exit code (negative: the signal) of a child that ended; None if it was not a child of this process."""
        return self._codes.get(pid)


def explain(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "it ended while no controller was watching, or was another's child"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
        return f"killed by signal {-code}"
    return f"exit code {code}"
