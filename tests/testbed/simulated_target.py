"""A platform in memory behind the engine's Target port, for the loop: the simulation of the planner's laws, with errors,
contention and hindrances to order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.blueprint.workload import Blueprint, External, Kind, Workload
from controller.engine.model import Observed, Step
from controller.engine.ports import InvalidDeclaration, TargetError
from tests.testbed.worlds import Platform


class SimulatedTarget:
    """Systems of as many workloads as `spec.workloads` names. What is started is healthy at the next look."""

    name = "simulated"

    def __init__(self) -> None:
        self.platforms: dict[str, Platform] = {}
        self.failing: dict[str, str] = {}
        """System -> what its steps fail with."""
        self.hanging: set[str] = set()
        self.broken: set[str] = set()
        """Systems at which the controller itself fails."""
        self.taken: set[str] = set()
        """Systems that another controller drives."""
        self.disposed: dict[str, bool] = {}
        self.done: list[tuple[str, Step]] = []
        self.checks: dict[str, str | Exception] = {}
        """System -> what a check of its external stores prints, or fails with."""
        self.let_checks_end = asyncio.Event()
        self.let_checks_end.set()
        self.checking = 0
        """Checks that run now."""
        self.checked: list[tuple[str, Workload]] = []
        self.secrets: dict[str, dict[str, tuple[str, ...]]] = {}
        """System -> the keys of its secrets."""
        self._changed: asyncio.Queue[str] = asyncio.Queue()

    def blueprint(self, document: Mapping[str, Any]) -> Blueprint:
        spec = document["spec"]
        if "bad" in spec:
            raise InvalidDeclaration(["spec.bad: is not a known field", "spec.version: is required"])
        outside = tuple(
            External(name, f"spec.stores.{name}.external", {"ADDRESS": address}, {"PASSWORD_FILE": (name, "password")})
            for name, address in spec.get("external", {}).items()
        )
        workloads = [
            Workload(
                name,
                Kind.SERVICE,
                str(spec.get("version")),
                components=(name,),
                external=tuple(store.name for store in outside),
            )
            for name in spec.get("workloads", ["services"])
        ]
        return Blueprint(
            document["metadata"]["name"],
            tuple(workloads),
            external=outside,
            release_timeout=spec.get("timeout", 600.0),
        )

    async def acquire(self, system: str) -> bool:
        return system not in self.taken

    async def release(self, system: str) -> None:
        return None

    async def observe(self, system: str, blueprint: Blueprint) -> Observed:
        if system in self.broken:
            raise RuntimeError("a bug")
        platform = self.platforms.setdefault(system, Platform(blueprint, Observed()))
        platform.blueprint = blueprint
        platform.let_time_pass()
        return replace(platform.observed, secrets=self.secrets.get(system, {}))

    async def execute(self, system: str, blueprint: Blueprint, step: Step) -> None:
        if system in self.hanging:
            await asyncio.Event().wait()
        if system in self.failing:
            raise TargetError(self.failing[system], reason="PortTaken")
        self.platforms[system].execute(step, 0.0)
        self.done.append((system, step))

    async def run_once(self, system: str, workload: Workload, *, timeout: float) -> str:
        self.checked.append((system, workload))
        self.checking += 1
        assert self.checking == 1, "two checks at once"
        try:
            await self.let_checks_end.wait()
        finally:
            self.checking -= 1
        answer = self.checks[system]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def secret_remedy(self, system: str, name: str, keys: Sequence[str]) -> str:
        return f"give {name} {' and '.join(keys)}"

    async def dispose(self, system: str, *, keep_data: bool) -> None:
        self.disposed[system] = keep_data

    def kill(self, system: str) -> None:
        """An instance dies, and the loop is told."""
        self.platforms[system].kill(0)
        self._changed.put_nowait(system)

    async def watch(self) -> AsyncIterator[str]:
        while True:
            yield await self._changed.get()

    async def logs(
        self, system: str, component: str | None = None, *, follow: bool = False, tail: int = 100
    ) -> AsyncIterator[tuple[str, str]]:
        yield system, "a line"

    def endpoints(self, document: Mapping[str, Any]) -> Sequence[str]:
        self.blueprint(document)
        return ["http://127.0.0.1:9000/"]
