"""What runs: records, processes and pulses put together into the engine's words. Decides nothing and changes nothing."""

from __future__ import annotations

from controller.blueprint.workload import Blueprint
from controller.engine.model import Health, Instance, JobRun, Observed
from controller.targets.local import records, secrets
from controller.targets.local.identity import is_alive
from controller.targets.local.layout import SystemPaths
from controller.targets.local.probes import Pulse
from controller.targets.local.records import Record

STALE = "stale"
"""Digest of an instance that was told an address or a secret which holds no longer: it has to be replaced like an outdated one."""


def observed(
    paths: SystemPaths, blueprint: Blueprint, pulses: dict[str, Pulse], now: float, monotonic: float
) -> Observed:
    """`now` in Unix seconds; `monotonic` is the time of the pulses. Instances without a pulse count as not probed yet."""
    known = records.addresses(paths)
    instances = tuple(
        _instance(record, health_of(record, pulses.get(record.id), now, monotonic), _is_stale(paths, record, known))
        for record in records.load_instances(paths)
    )
    jobs = tuple(
        JobRun(job.workload, job.digest, job.succeeded, job.attempt, job.retry_at, job.message)
        for job in records.load_jobs(paths)
    )
    running = {instance.workload for instance in instances}
    left = {slot.rpartition("-")[0] for slot in records.slots(paths)} | {job.workload for job in jobs}
    return Observed(
        instances,
        jobs,
        secrets.existing(paths),
        tuple(sorted(left - running)),
        certificates=secrets.certificates(paths, blueprint.secrets),
    )


def _instance(record: Record, found: tuple[Health, str], stale: bool) -> Instance:
    health, message = found
    return Instance(
        id=record.id,
        workload=record.workload,
        index=record.index,
        digest=STALE if stale else record.digest,
        health=health,
        components=record.components,
        version=record.version,
        order=record.order,
        ports=record.published,
        restarts=record.restarts,
        retry_at=record.retry_at,
        started_at=record.spawned_at,
        message=message,
    )


def _is_stale(paths: SystemPaths, record: Record, known: dict[str, str]) -> bool:
    """A secret that is gone is not another one: whoever has it may go on with it."""
    moved = any(known.get(reference) != address for reference, address in record.addresses.items())
    return moved or any(
        secrets.fingerprint(paths.secrets / secret) not in {"", told} for secret, told in record.secrets.items()
    )


def health_of(record: Record, pulse: Pulse | None, now: float, monotonic: float) -> tuple[Health, str]:
    """The health of an instance, and why, in words."""
    alive = record.exited_at is None and record.identity is not None and is_alive(record.identity)
    if record.stopping_at is not None:
        return Health.STOPPING, "it is stopping"
    if not alive:
        return Health.EXITED, record.message or "it ended"
    if pulse is None:
        return Health.STARTING, "it has not been probed yet"
    if pulse.ready:
        return Health.HEALTHY, ""
    message = pulse.message or "it has not answered yet"
    patience = _patience(record, pulse)
    if patience is not None and pulse.answered is not None and monotonic - pulse.answered > patience:
        return Health.FAILED, message
    late = record.ready is not None and now - record.spawned_at > record.ready.deadline
    if pulse.ever_ready or late:
        return Health.UNREADY, message
    # What the one before it died of says more than "connection refused".
    return Health.STARTING, record.message or message


def _patience(record: Record, pulse: Pulse) -> float | None:
    """Seconds without an answer after which it counts as hung; longer while it has never been ready."""
    if record.live is None:
        return None
    if pulse.ever_ready or record.ready is None:
        return record.live.deadline
    return max(record.live.deadline, record.ready.deadline)
