"""What is written down about each process that was started, so that another controller can go on with it.

A record is written before its process is started, without a process id, and again right after: a controller that dies in
between leaves a process that is found by the token in its environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from controller.blueprint.workload import Probe
from controller.targets.local.atomic import read_json, write_json
from controller.targets.local.identity import Identity
from controller.targets.local.layout import SystemPaths
from controller.targets.local.ports import LOOPBACK


@dataclass(frozen=True)
class Record:
    """One process of a workload with replicas. Times in Unix seconds."""

    id: str
    workload: str
    index: int
    digest: str
    spawned_at: float
    components: tuple[str, ...] = ()
    version: str = ""
    order: int = 0
    published: tuple[int, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)
    """Port name -> the number it listens on."""
    addresses: dict[str, str] = field(default_factory=dict)
    """The addresses of other workloads that it was told: reference -> host:port."""
    ready: Probe | None = None
    live: Probe | None = None
    """Kept here, because an instance may outlive the blueprint it came from."""
    stop_grace: float = 30.0
    identity: Identity | None = None
    stopping_at: float | None = None
    exited_at: float | None = None
    restarts: int = 0
    retry_at: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class JobRecord:
    """The newest run of a job."""

    id: str
    workload: str
    digest: str
    attempt: int
    spawned_at: float
    deadline: float | None = None
    """Unix seconds after which it counts as hung."""
    identity: Identity | None = None
    succeeded: bool | None = None
    retry_at: float = 0.0
    message: str = ""


def load_instances(paths: SystemPaths) -> list[Record]:
    return [Record(**_read(value, Record)) for value in _values(paths.instances)]


def save_instance(paths: SystemPaths, record: Record) -> None:
    write_json(paths.instances / f"{record.id}.json", asdict(record))


def drop_instance(paths: SystemPaths, record_id: str) -> None:
    (paths.instances / f"{record_id}.json").unlink(missing_ok=True)


def load_jobs(paths: SystemPaths) -> list[JobRecord]:
    return [JobRecord(**_read(value, JobRecord)) for value in _values(paths.jobs)]


def save_job(paths: SystemPaths, record: JobRecord) -> None:
    write_json(paths.jobs / f"{record.workload}.json", asdict(record))


def drop_job(paths: SystemPaths, workload: str) -> None:
    (paths.jobs / f"{workload}.json").unlink(missing_ok=True)
    exit_file(paths, workload).unlink(missing_ok=True)


def exit_file(paths: SystemPaths, workload: str) -> Path:
    """Where a job leaves its exit code, whoever watches it by then."""
    return paths.jobs / f"{workload}.exit"


def addresses(paths: SystemPaths) -> dict[str, str]:
    """`workload:port` -> host:port of what others of the system may reach: slot 0 of each workload."""
    return {
        f"{name.removesuffix('-0')}:{port}": f"{LOOPBACK}:{number}"
        for name, ports in slots(paths).items()
        if name.endswith("-0")
        for port, number in ports.items()
    }


def slots(paths: SystemPaths) -> dict[str, dict[str, int]]:
    """`workload-index` -> its private ports."""
    if not paths.slots.is_dir():
        return {}
    return {path.stem: read_json(path) or {} for path in sorted(paths.slots.glob("*.json"))}


def _values(folder: Path) -> Iterator[dict[str, Any]]:
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.json")):
        value = read_json(path)
        if isinstance(value, dict):
            yield value


def _read(value: dict[str, Any], shape: type[Record | JobRecord]) -> dict[str, Any]:
    """The fields that this version knows: another version may have written it."""
    known = {item.name for item in fields(shape)}
    value = {key: item for key, item in value.items() if key in known}
    identity = value.get("identity")
    for key in ("components", "published"):
        if key in value:
            value[key] = tuple(value[key])
    for key in ("ready", "live"):
        if value.get(key):
            value[key] = Probe(**value[key])
    return {**value, "identity": Identity(**identity) if identity else None}
