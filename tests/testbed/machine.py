"""A machine within this one: namespaces of its own for processes, mounts, network, host name and shared memory.

Everything in it hangs on its first process. When that ends, the kernel ends all others, also those of containers, and their
mounts and network links are gone. It ends when `stop` is called, and when nobody holds its lease any more, however the holder
ended; so neither an interrupted test run nor a killed one leaves a process behind. Needs root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from tests.testbed.process import Process, wait_for

HOME = Path(tempfile.gettempdir()) / "chatsystem-testbed"
"""Where machines are; a fixed place, so that what a killed run left is found and removed."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CGROUPS = Path("/sys/fs/cgroup")
_INIT = Path(__file__).with_name("machine_init.py")


def require(programs: Mapping[str, str]) -> None:
    """Raises AssertionError that names what this test bed lacks. `programs`: program -> Debian package."""
    assert sys.platform == "linux", "this part of the test bed needs Linux"
    assert os.geteuid() == 0, "this part of the test bed needs root: namespaces, mounts and network links are made"
    missing = {package for program, package in programs.items() if shutil.which(program, path=PATH) is None}
    assert not missing, (
        f"these packages are missing: {' '.join(sorted(missing))}. Install them with: requirements/install.sh dev"
    )


class Lease:
    """A lock on a file. Machines live while it is held; `shared` ones have several holders."""

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        self.path = path
        self._mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._file: IO[str] | None = None

    def take(self, *, wait: bool = True) -> bool:
        """False, if another holds it and `wait` is false."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a")
        try:
            fcntl.flock(file, self._mode | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True)
class Network:
    """A link between this machine and one within it, and what is reached through it. Addresses with their prefix length."""

    link: str
    outside: str
    inside: str
    routes: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return self.inside.partition("/")[0]

    def make(self, pid: int) -> None:
        """Into the namespace of the process `pid`."""
        self.remove()
        _ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        _ip("address", "add", self.outside, "dev", self.link)
        _ip("link", "set", self.link, "up")
        within = ["nsenter", "--target", str(pid), "--net"]
        for command in (
            ["ip", "address", "add", self.inside, "dev", "eth0"],
            ["ip", "link", "set", "eth0", "up"],
            ["ip", "link", "set", "lo", "up"],
            ["ip", "route", "add", "default", "via", self.outside.partition("/")[0]],
            ["sysctl", "-qw", "net.ipv4.ip_forward=1"],
        ):
            _run([*within, *command])
        for route in self.routes:
            _ip("route", "replace", route, "via", self.address)

    def remove(self) -> None:
        if (Path("/sys/class/net") / self.link).exists():
            _ip("link", "delete", self.link)


class Machine:
    """`network` None: it uses the network of this machine. What its programs write below /etc and /var goes to `directory`."""

    def __init__(self, name: str, directory: Path, lease: Lease, network: Network | None = None) -> None:
        self.name, self.directory, self.network = name, directory, network
        self._lease = lease
        self._outer: subprocess.Popen[str] | None = None
        self.pid = 0
        """Of its first process, as seen from outside."""

    def start(self) -> None:
        """Returns when programs can be started in it."""
        for folder in ("etc", "var"):
            for layer in ("upper", "work"):
                (self.directory / folder / layer).mkdir(parents=True, exist_ok=True)
        namespaces = ["--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--uts", "--ipc"]
        namespaces += ["--net"] if self.network else []
        init = [sys.executable, "-I", "-S", str(_INIT), self.name, str(self.directory), str(self._lease.path)]
        log = (self.directory / "machine.log").open("a")
        with log:
            self._outer = subprocess.Popen(
                ["unshare", *namespaces, *init],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it
                env={"PATH": PATH},
            )
        assert self._outer.stdout is not None
        with self._outer.stdout as answer:
            if answer.readline().strip() != "ready":
                self.stop()
                raise AssertionError(
                    f"the machine {self.name} did not start:\n{(self.directory / 'machine.log').read_text()}"
                )
        self.pid = _only_child(self._outer.pid)
        if self.network:
            self.network.make(self.pid)

    def stop(self) -> None:
        """Ends all that runs in it, at once."""
        if self._outer is not None:
            if self._outer.poll() is None:
                os.kill(self.pid or self._outer.pid, signal.SIGKILL)
            self._outer.wait(60.0)
            self._outer, self.pid = None, 0
        if self.network:
            self.network.remove()

    def program(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> Process:
        """One to run in it, not started; its log is in `directory`."""
        log = self.directory / f"{name}.log"
        return _Inside(name, self._entered(command), log, {"PATH": PATH, **(environment or {})})

    def run(self, *command: str, stdin: IO[bytes] | None = None) -> str:
        """What a program prints that ends by itself. Raises AssertionError with its error."""
        return _run(self._entered(command), stdin)

    def _entered(self, command: Sequence[str]) -> list[str]:
        namespaces = ["--mount", "--pid", "--uts", "--ipc", *(["--net"] if self.network else [])]
        return ["setsid", "nsenter", "--target", str(self.pid), *namespaces, "--", *command]


class _Inside(Process):
    """The process that was started is nsenter's; the program is its child."""

    @property
    def pid(self) -> int:
        return _only_child(super().pid)


def _only_child(pid: int) -> int:
    children: list[psutil.Process] = []

    def born() -> bool:
        children[:] = psutil.Process(pid).children()
        return bool(children)

    wait_for(born, 10.0, f"process {pid} has a child", pause=0.01)
    return children[0].pid


def remove_cgroup(path: str) -> None:
    """Removes a cgroup and those in it, from every hierarchy, when their processes have ended."""
    for hierarchy in (CGROUPS, *CGROUPS.iterdir()):
        top = hierarchy / path
        if top.is_dir():
            for folder in sorted((each for each in top.rglob("*") if each.is_dir()), reverse=True):
                _remove_when_empty(folder)
            _remove_when_empty(top)


def _remove_when_empty(folder: Path) -> None:
    def removed() -> bool:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # the kernel counts a process for a moment after its end
            return False
        return True

    wait_for(removed, 30.0, f"the cgroup {folder} is empty")


def _ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: Sequence[str], stdin: IO[bytes] | None = None) -> str:
    done = subprocess.run(command, stdin=stdin or subprocess.DEVNULL, capture_output=True, env={"PATH": PATH})
    assert done.returncode == 0, f"{' '.join(command)}: {(done.stderr or done.stdout).decode(errors='replace').strip()}"
    return done.stdout.decode(errors="replace")
