"""The local target: systems run as processes of this machine."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.api.chatsystem import ChatSystem
from controller.api.problem import InvalidDocument
from controller.api.validate import parse_system
from controller.blueprint.build import build
from controller.blueprint.part import Profile
from controller.blueprint.workload import Blueprint, Workload
from controller.engine.model import Health, Observed, Step
from controller.engine.ports import InvalidDeclaration
from controller.targets.local import logs, records, secrets
from controller.targets.local.administer import run_once
from controller.targets.local.apply import Applier, dispose
from controller.targets.local.attend import attend
from controller.targets.local.identity import Children
from controller.targets.local.layout import StateDir, SystemPaths
from controller.targets.local.lease import Lease
from controller.targets.local.observe import observed
from controller.targets.local.ports import LOOPBACK
from controller.targets.local.probes import Prober, Pulse
from controller.targets.local.remains import Remains

BUSY, IDLE = 0.03, 0.2
"""Seconds between two looks at the processes: while something starts or stops, and otherwise."""
ROTATION = 5.0
FIRST_ANSWER = 1.0
NO_TLS = (
    "spec.exposure.tls: the local target does not encrypt its ports; remove it and put a proxy that does in front of "
    "the ports"
)
_SCHEMAS = Path(__file__).resolve().parents[3] / "sql"


class LocalTarget:
    """Implements Target on a state directory."""

    name = "local"

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._lease = Lease()
        self._children = Children()
        self._remains = Remains(self._children)
        self._prober = Prober()
        self._driven: dict[str, Blueprint] = {}
        self._addresses: dict[str, str] = {}
        self._schemas = {dialect: fingerprint(_SCHEMAS / dialect) for dialect in ("sqlite", "mysql")}

    def blueprint(self, document: Mapping[str, Any]) -> Blueprint:
        system = _parsed(document)
        if system.spec.exposure.tls:
            raise InvalidDeclaration([NO_TLS])
        local = system.spec.local
        self._addresses[system.name] = local.address
        profile = Profile(
            embedded=True,
            shared_process=local.processes == "Shared",
            schedules=False,
            address=local.address,
            rpc_address=LOOPBACK,
            metrics_address=LOOPBACK,
            schema=self._schemas["mysql" if system.spec.stores.mysql.external else "sqlite"],
        )
        return build(system, profile)

    async def acquire(self, system: str) -> bool:
        return self._lease.acquire(self._state.lock(system))

    async def release(self, system: str) -> None:
        """What still runs of a system whose declaration is gone is stopped first: nobody else would know of it."""
        driven = self._driven.pop(system, None)
        paths = self._state.system(system)
        if driven is not None and not paths.declaration.exists():
            await self._remains.stop(system, paths)
        self._prober.forget(set(), f"{system}/")
        self._lease.release(self._state.lock(system))

    async def observe(self, system: str, blueprint: Blueprint) -> Observed:
        paths = self._state.system(system)
        pulses = self._ask(system, paths)
        fresh = [pulse for pulse in pulses.values() if not pulse.ever_ready and not pulse.message]
        await asyncio.gather(*(self._prober.first_answer(pulse, FIRST_ANSWER) for pulse in fresh))
        if self._lease.holds(self._state.lock(system)):
            # Last: a death that is seen has to be on record, or its restart would know neither reason nor back-off.
            self._driven[system] = blueprint
            self._remains.see(system, paths)
            attend(paths, self._children, time.time())
        return observed(paths, blueprint, pulses, time.time(), time.monotonic())

    async def execute(self, system: str, blueprint: Blueprint, step: Step) -> None:
        address = self._addresses.get(system, LOOPBACK)
        await Applier(system, self._state.system(system), blueprint, self._children, address).execute(step)

    async def run_once(self, system: str, workload: Workload, *, timeout: float) -> str:
        return await run_once(system, self._state.system(system), workload, timeout=timeout)

    def secret_remedy(self, system: str, name: str, keys: Sequence[str]) -> str:
        return secrets.remedy(self._state.system(system), name, keys)

    async def dispose(self, system: str, *, keep_data: bool) -> None:
        dispose(self._state.system(system), keep_data=keep_data)

    async def watch(self) -> AsyncIterator[str]:
        """Looks at the processes of the systems that this controller drives."""
        seen: dict[str, tuple[object, ...]] = {}
        rotated = 0.0
        while True:
            busy = False
            for system, blueprint in list(self._driven.items()):
                paths = self._state.system(system)
                self._remains.see(system, paths)
                attend(paths, self._children, time.time())
                state = observed(paths, blueprint, self._ask(system, paths), time.time(), time.monotonic())
                mark = (tuple((item.id, item.health, item.digest) for item in state.instances), state.jobs)
                if seen.get(system) != mark:
                    seen[system] = mark
                    yield system
                busy = busy or any(run.succeeded is None for run in state.jobs)
                busy = busy or any(item.health in {Health.STARTING, Health.STOPPING} for item in state.instances)
                if time.monotonic() - rotated > ROTATION:
                    _rotate(paths, blueprint)
            if time.monotonic() - rotated > ROTATION:
                rotated = time.monotonic()
            await asyncio.sleep(BUSY if busy else IDLE)

    async def logs(
        self, system: str, component: str | None = None, *, follow: bool = False, tail: int = 100
    ) -> AsyncIterator[tuple[str, str]]:
        paths = self._state.system(system)
        async for source, line in logs.read(lambda: _logs_of(paths, component), follow=follow, tail=tail):
            yield source, line

    def endpoints(self, document: Mapping[str, Any]) -> Sequence[str]:
        system = _parsed(document)
        address = system.spec.local.address
        host = {"0.0.0.0": LOOPBACK, "::": "[::1]"}.get(address, f"[{address}]" if ":" in address else address)
        declared = system.spec.services.gateway.replicas_if_declared
        if system.spec.suspend or declared == 0:
            return []
        exposure = system.spec.exposure
        return [f"http://{host}:{exposure.http}/", f"ws://{host}:{exposure.websocket}/"]

    def _ask(self, system: str, paths: SystemPaths) -> dict[str, Pulse]:
        """The pulses of what runs, with a new probe begun where one is due."""
        alive = [
            record
            for record in records.load_instances(paths)
            if record.exited_at is None and record.identity is not None and record.stopping_at is None
        ]
        self._prober.forget({f"{system}/{record.id}" for record in alive}, f"{system}/")
        return {
            record.id: self._prober.ask(f"{system}/{record.id}", record.ready, record.live, record.ports)
            for record in alive
        }


def _parsed(document: Mapping[str, Any]) -> ChatSystem:
    try:
        return parse_system(document)
    except InvalidDocument as error:
        raise InvalidDeclaration(list(error.lines())) from error


def _rotate(paths: SystemPaths, blueprint: Blueprint) -> None:
    for path in paths.logs.glob("*.log") if paths.logs.is_dir() else ():
        workload = blueprint.workload(path.stem.rpartition("-")[0])
        size = workload.log_max_size if workload else 10 * 2**20
        logs.rotate(path, size, workload.log_max_files if workload else 3)


def _logs_of(paths: SystemPaths, component: str | None) -> list[Path]:
    files = sorted(paths.logs.glob("*.log")) if paths.logs.is_dir() else []
    if component is None:
        return [path for path in files if path.stem != "controller"]
    hosts = {record.workload for record in records.load_instances(paths) if component in record.components}
    names = {component, *hosts}
    return [path for path in files if path.stem == component or path.stem.rpartition("-")[0] in names]


def fingerprint(folder: Path) -> str:
    """Of the files in a folder: another one when the schema is another one."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.sql")) if folder.is_dir() else ():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
