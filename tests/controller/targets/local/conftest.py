"""A system of small real processes on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.engine.model import Action, Instance, Observed, Step
from controller.targets.local import records
from controller.targets.local.apply import Applier
from controller.targets.local.attend import attend
from controller.targets.local.identity import Children
from controller.targets.local.layout import SystemPaths
from controller.targets.local.observe import observed
from controller.targets.local.probes import Prober
from controller.targets.local.programs import PROGRAMS


class Machine:
    """One system, driven step by step. A new controller is what another one finds after this one died."""

    def __init__(self, paths: SystemPaths) -> None:
        self.paths = paths
        self.children = Children()
        self.prober = Prober()
        self.blueprint = Blueprint("acme")

    def new_controller(self) -> None:
        self.children = Children()
        self.prober = Prober()

    def child(self, script: str, name: str = "child", **changes: object) -> Workload:
        """A workload that runs a Python script, which becomes part of the blueprint."""
        made = {"kind": Kind.SERVICE, "image": "child", "arguments": (textwrap.dedent(script),), **changes}
        workload = Workload(name, **made)  # type: ignore[arg-type]
        self.add(workload)
        return workload

    def add(self, workload: Workload) -> None:
        others = tuple(item for item in self.blueprint.workloads if item.name != workload.name)
        self.blueprint = Blueprint("acme", (*others, workload), self.blueprint.secrets)

    async def do(self, action: Action, workload: str, index: int = 0, instance: str = "") -> None:
        programs = {**PROGRAMS, "child": lambda _w, _p, arguments, _e: (sys.executable, "-c", *arguments)}
        applier = Applier("acme", self.paths, self.blueprint, self.children, "127.0.0.1", programs)
        await applier.execute(Step(action, workload, index, instance))

    def look(self) -> Observed:
        attend(self.paths, self.children, time.time())
        pulses = {
            record.id: self.prober.ask(f"acme/{record.id}", record.ready, record.live, record.ports)
            for record in records.load_instances(self.paths)
            if record.exited_at is None
        }
        return observed(self.paths, self.blueprint, pulses, time.time(), time.monotonic())

    def only(self) -> Instance:
        (instance,) = self.look().instances
        return instance

    async def until(self, holds: Callable[[Observed], object], seconds: float = 20.0) -> Observed:
        end = time.monotonic() + seconds
        while not holds(state := self.look()):
            assert time.monotonic() < end, f"it did not come to that: {state}"
            await asyncio.sleep(0.02)
        return state

    def pid(self) -> int:
        (record,) = records.load_instances(self.paths)
        assert record.identity is not None
        return record.identity.pid

    def log(self, workload: str = "child") -> str:
        path = self.paths.log(workload, 0)
        return path.read_text() if path.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(SystemPaths(tmp_path / "systems" / "acme"))
    yield made
    for record in (*records.load_instances(made.paths), *records.load_jobs(made.paths)):
        if record.identity is not None and record.identity.start:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(record.identity.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while made.children._children and time.monotonic() < deadline:
        made.children.collect()
        time.sleep(0.01)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with the system, and started at another tick of the kernel's clock (10 ms)."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    time.sleep(0.05)
    yield process
    process.kill()
    process.wait()
