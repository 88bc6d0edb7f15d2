"""Carries out the steps of a plan: starts, restarts and stops processes of this machine."""

from __future__ import annotations

import asyncio
import os
import secrets as random
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.blueprint.workload import Blueprint, Port, Workload
from controller.engine.backoff import RESTARTS
from controller.engine.model import Action, Step
from controller.engine.ports import TargetError
from controller.engine.reasons import Reason
from controller.targets.local import identity, ports, records, secrets
from controller.targets.local.atomic import write_json
from controller.targets.local.identity import Children, is_alive
from controller.targets.local.layout import SystemPaths
from controller.targets.local.lease import exclusively
from controller.targets.local.logs import open_log
from controller.targets.local.programs import PROGRAMS, Command, Place, Programs, command, references
from controller.targets.local.records import JobRecord, Record

KILLED_WITHIN = 5.0
"""Seconds in which a process that got SIGKILL has to be gone."""
_NOTE_EXIT = '"$@"; code=$?; echo $code >"$0.tmp" && mv "$0.tmp" "$0"; exit $code'


@dataclass(frozen=True)
class Applier:
    """One system on this machine. `address` is where its public ports listen."""

    name: str
    paths: SystemPaths
    blueprint: Blueprint
    children: Children
    address: str
    programs: Programs = field(default_factory=lambda: PROGRAMS)

    async def execute(self, step: Step) -> None:
        """Raises TargetError."""
        workload = self.blueprint.workload(step.workload)
        match step.action:
            case Action.CREATE_SECRET:
                for secret in self.blueprint.secrets:
                    if secret.name == step.workload:
                        secrets.create(self.paths, secret)
            case Action.RENEW_SECRET:
                for secret in self.blueprint.secrets:
                    if secret.name == step.workload:
                        secrets.renew(self.paths, secret, time.time())
            case Action.START if workload is not None:
                self._start(workload, step.index)
            case Action.RESTART if workload is not None:
                await self._restart(workload, step)
            case Action.STOP:
                self._stop(step.instance)
            case Action.RUN_JOB if workload is not None:
                self._run_job(workload)
            case Action.FORGET:
                self._forget(step.workload)

    def _start(self, workload: Workload, index: int, before: Record | None = None) -> None:
        if not any(port.published for port in workload.ports):
            return self._start_alone(workload, index, before)
        # A service listens only a moment after its start, and would share the port with a stranger that does so too: until
        # its process is on record, no other system may look for a port.
        with exclusively(self.paths.ports_lock):
            return self._start_alone(workload, index, before)

    def _start_alone(self, workload: Workload, index: int, before: Record | None) -> None:
        numbers = self._ports(workload, index, before)
        known = records.addresses(self.paths)
        told = {name: known[name] for name in references(workload) if name in known}
        instance = f"{self.name}-{workload.name}-{index}-{random.token_hex(4)}"
        run = command(workload, Place(self.paths, instance, numbers, told), self.programs)
        record = Record(
            id=instance,
            workload=workload.name,
            index=index,
            digest=workload.digest,
            spawned_at=time.time(),
            components=workload.components,
            version=workload.version,
            order=self.blueprint.workloads.index(workload),
            published=tuple(port.number for port in workload.ports if port.published),
            address=self.address,
            ports=numbers,
            addresses=told,
            secrets=secrets.given(self.paths, workload),
            ready=workload.ready,
            live=workload.live,
            stop_grace=workload.stop_grace,
            restarts=before.restarts if before else 0,
            retry_at=before.retry_at if before else 0.0,
            message=before.message if before else "",
        )
        private = {port.name: numbers[port.name] for port in workload.ports if not port.published}
        write_json(self.paths.slot(workload.name, index), private)
        records.save_instance(self.paths, record)
        try:
            child = self._spawn(run, workload.name, index)
        except TargetError:
            records.drop_instance(self.paths, instance)
            raise
        records.save_instance(self.paths, replace(record, identity=identity.identify(child.pid) or _ended(child.pid)))

    def _ports(self, workload: Workload, index: int, before: Record | None) -> dict[str, int]:
        others = [
            item
            for item in records.load_instances(self.paths)
            if item.exited_at is None and (before is None or item.id != before.id)
        ]
        taken = {number for item in others for number in item.ports.values()}
        slot = self.paths.slot(workload.name, index)
        taken |= {
            number
            for name, numbers in records.slots(self.paths).items()
            if name != slot.stem
            for number in numbers.values()
        }
        ours = {number for item in others for number in item.published}
        remembered = records.slot(slot)
        numbers: dict[str, int] = {}
        for port in workload.ports:
            if not port.published:
                numbers[port.name] = ports.allocate(remembered.get(port.name), taken | set(numbers.values()))
                continue
            if not (port.shared and port.number in ours):
                self._refuse_claimed(port)
                ports.demand(self.address, port.number, f"spec.exposure.{port.name}")
            numbers[port.name] = port.number
        return numbers

    def _refuse_claimed(self, port: Port) -> None:
        """Raises TargetError if a process of another system has been started for the port, whether or not it listens yet."""
        for other in self.paths.others:
            for record in records.load_instances(other):
                if port.number not in record.published or not ports.overlap(record.address, self.address):
                    continue
                process = record.identity or identity.find(record.id)
                if record.exited_at is None and process is not None and is_alive(process):
                    raise TargetError(
                        f"port {port.number} on {record.address} is taken by the system {other.root.name}; choose another port "
                        f"with spec.exposure.{port.name}, or delete that system",
                        reason=Reason.PORT_TAKEN,
                    )

    def _spawn(self, run: Command, workload: str, index: int) -> subprocess.Popen[bytes]:
        """A process of its own session, so that it outlives this one and no Ctrl-C of a terminal reaches it."""
        self.paths.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = open_log(self.paths.log(workload, index))
        try:
            child = subprocess.Popen(  # noqa: S603 - no shell; the arguments come from the blueprint
                run.arguments,
                cwd=run.folder,
                env=dict(run.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TargetError(
                f"{run.arguments[0]} cannot be started: {error.strerror}", reason=Reason.PROGRAM_MISSING
            ) from error
        finally:
            os.close(log)
        self.children.add(child)
        return child

    async def _restart(self, workload: Workload, step: Step) -> None:
        before = self._record(step.instance)
        if before is None:
            return self._start(workload, step.index)
        if before.identity is not None and is_alive(before.identity):
            identity.send(before.identity, signal.SIGKILL, group=True)
            await self._gone(before)
            deaths = before.restarts + 1
            before = replace(before, restarts=deaths, retry_at=time.time() + RESTARTS.delay(deaths))
        self._start(workload, step.index, before)
        records.drop_instance(self.paths, before.id)
        (self.paths.run / f"{before.id}.conf").unlink(missing_ok=True)
        return None

    async def _gone(self, record: Record) -> None:
        until = time.monotonic() + KILLED_WITHIN
        while record.identity is not None and is_alive(record.identity):
            if time.monotonic() > until:
                raise TargetError(
                    f"{record.id} (process {record.identity.pid}) cannot be killed; see what it waits for"
                )
            await asyncio.sleep(0.02)
            self.children.collect()

    def _stop(self, instance: str) -> None:
        record = self._record(instance)
        if record is None:
            return
        if record.exited_at is not None or record.identity is None or not is_alive(record.identity):
            records.drop_instance(self.paths, instance)
            return
        if record.stopping_at is None:
            # Written first: a controller that dies here must not take the end for a crash.
            records.save_instance(self.paths, replace(record, stopping_at=time.time()))
        identity.send(record.identity, signal.SIGTERM)

    def _run_job(self, workload: Workload) -> None:
        before = next((job for job in records.load_jobs(self.paths) if job.workload == workload.name), None)
        attempt = before.attempt + 1 if before is not None and before.digest == workload.digest else 1
        instance = f"{self.name}-{workload.name}-{attempt}-{random.token_hex(4)}"
        known: Mapping[str, str] = records.addresses(self.paths)
        run = command(workload, Place(self.paths, instance, {}, known), self.programs)
        done = records.exit_file(self.paths, workload.name)
        done.unlink(missing_ok=True)
        run = replace(run, arguments=("/bin/sh", "-c", _NOTE_EXIT, str(done), *run.arguments))
        now = time.time()
        deadline = None if workload.deadline is None else now + workload.deadline
        record = JobRecord(instance, workload.name, workload.digest, attempt, now, deadline)
        records.save_job(self.paths, record)
        child = self._spawn(run, workload.name, 0)
        records.save_job(self.paths, replace(record, identity=identity.identify(child.pid) or _ended(child.pid)))

    def _forget(self, workload: str) -> None:
        for job in records.load_jobs(self.paths):
            if job.workload == workload:
                if job.identity is not None and job.succeeded is None:
                    identity.send(job.identity, signal.SIGKILL, group=True)
                records.drop_job(self.paths, workload)
        for name in records.slots(self.paths):
            if name.rpartition("-")[0] == workload:
                (self.paths.slots / f"{name}.json").unlink(missing_ok=True)

    def _record(self, instance: str) -> Record | None:
        return next((item for item in records.load_instances(self.paths) if item.id == instance), None)


def _ended(pid: int) -> identity.Identity:
    """Of a process that was over before it could be looked at: known by its number alone, it is never alive."""
    return identity.Identity(pid, "", "")


def dispose(paths: SystemPaths, *, keep_data: bool) -> None:
    """Removes what the system left on this machine; its declaration is the store's to remove."""
    for folder in (paths.instances, paths.jobs, paths.slots, paths.run, paths.logs):
        shutil.rmtree(folder, ignore_errors=True)
    if not keep_data:
        for folder in (paths.data, paths.secrets):
            shutil.rmtree(folder, ignore_errors=True)
