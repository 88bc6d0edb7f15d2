"""The state directory: what is where. Paths only.

    systems/NAME/declaration.json   the declaration, its generation, author, pause and deletion marks
                 status.json        as last written by the controller
                 events.jsonl       the newest events, oldest first
                 revisions/N.json   the accepted declarations and what became of them
                 instances/ID.json  each process that was started, see records.py
                 jobs/W.json        the newest run of each job; W.exit: its exit code
                 slots/W-I.json     the private ports of slot I of workload W, kept over restarts
                 run/               configuration written for processes
                 secrets/S/KEY      one file a value, mode 0600
                 data/VOLUME/       what outlives everything else
                 logs/W-I.log       output, with .1, .2 … rotated; controller.log
    locks/NAME.lock                 held by the controller that drives the system
          all.ports.lock            held while public ports are taken

Deleting a system with the policy Retain leaves secrets/ and data/: a system of that name finds them again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CHATSYSTEM_STATE_DIR"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def default_state_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """CHATSYSTEM_STATE_DIR, or `chatsystem` in the state folder of the XDG base directory specification."""
    if chosen := environment.get(VARIABLE):
        return Path(chosen)
    home = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "chatsystem"


def is_name(text: str) -> bool:
    """Whether a system could be called so: a DNS label."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class SystemPaths:
    """The paths of one system. `root` is absolute."""

    root: Path

    @property
    def declaration(self) -> Path:
        return self.root / "declaration.json"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def events(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def revisions(self) -> Path:
        return self.root / "revisions"

    @property
    def instances(self) -> Path:
        return self.root / "instances"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def slots(self) -> Path:
        return self.root / "slots"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def others(self) -> list[SystemPaths]:
        """The other systems of the same state directory."""
        folders = self.root.parent.iterdir() if self.root.parent.is_dir() else ()
        return [SystemPaths(folder) for folder in sorted(folders) if folder != self.root and is_name(folder.name)]

    @property
    def ports_lock(self) -> Path:
        """Held while a system takes public ports."""
        return self.root.parent.parent / "locks" / "all.ports.lock"

    def slot(self, workload: str, index: int) -> Path:
        return self.slots / f"{workload}-{index}.json"

    def log(self, workload: str, index: int) -> Path:
        return self.logs / f"{workload}-{index}.log"


@dataclass(frozen=True)
class StateDir:
    """The directory that holds all systems of this machine's user."""

    root: Path

    @property
    def systems(self) -> Path:
        return self.root / "systems"

    def system(self, name: str) -> SystemPaths:
        """Raises KeyError for what cannot be the name of a system: no path that is made here leads out of the directory."""
        if not is_name(name):
            raise KeyError(name)
        return SystemPaths(self.systems / name)

    def lock(self, name: str) -> Path:
        return self.root / "locks" / f"{name}.lock"
