"""What is written down about each process that was started, so that another controller can go on with it.

A record is written before its process is started, without a process id, and again right after: a controller that dies in
between leaves a process that is found by the token in its environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from controller.blueprint.workload import Probe
from controller.targets.local.atomic import Shape, read_as, write_json
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
    address: str = LOOPBACK
    """Where its published ports listen."""
    ports: dict[str, int] = field(default_factory=dict)
    """Port name -> the number it listens on."""
    addresses: dict[str, str] = field(default_factory=dict)
    """The addresses of other workloads that it was told: reference -> host:port."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the secrets that it was given: `name/key` -> that of the value."""
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


_RECORD, _JOB, _SLOT = TypeAdapter(Record), TypeAdapter(JobRecord), TypeAdapter(dict[str, int])


def load_instances(paths: SystemPaths) -> list[Record]:
    return list(_values(paths.instances, _RECORD))


def damaged_instances(paths: SystemPaths) -> list[str]:
    """The ids of the instances whose record cannot be read, as after a power cut."""
    return [path.stem for path in sorted(paths.instances.glob("*.json")) if read_as(path, _RECORD) is None]


def save_instance(paths: SystemPaths, record: Record) -> None:
    write_json(paths.instances / f"{record.id}.json", asdict(record))


def drop_instance(paths: SystemPaths, record_id: str) -> None:
    (paths.instances / f"{record_id}.json").unlink(missing_ok=True)


def load_jobs(paths: SystemPaths) -> list[JobRecord]:
    return list(_values(paths.jobs, _JOB))


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
    return {path.stem: slot(path) for path in sorted(paths.slots.glob("*.json"))}


def slot(path: Path) -> dict[str, int]:
    """The private ports that the file of a slot remembers."""
    return read_as(path, _SLOT) or {}


def _values(folder: Path, shape: TypeAdapter[Shape]) -> Iterator[Shape]:
    for path in sorted(folder.glob("*.json")):
        value = read_as(path, shape)
        if value is not None:
            yield value
