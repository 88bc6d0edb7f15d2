"""The target-neutral vocabulary: what a ChatSystem needs to have running, in plain data.

Everything a target translates is here and nothing that only one target knows. All values are immutable and compare by
value; `digest` is what "the same" means for the planner.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a workload lives."""

    STORE = "store"  # long-running, keeps data
    JOB = "job"  # runs to completion once per digest
    SERVICE = "service"  # long-running, replaceable


@dataclass(frozen=True)
class Port:
    name: str
    number: int
    published: bool = False


@dataclass(frozen=True)
class Probe:
    """Healthy means: an HTTP GET of `path` on the port answers 200, or (no path) the port accepts a connection."""

    port: str
    path: str | None = None
    interval: float = 2.0
    timeout: float = 5.0
    deadline: float = 60.0  # seconds after start until it counts as failed


@dataclass(frozen=True)
class Volume:
    name: str
    mount: str
    size: int | None = None  # bytes
    storage_class: str | None = None


@dataclass(frozen=True)
class Resources:
    cpu_request: float | None = None  # cores
    cpu_limit: float | None = None
    memory_request: int | None = None  # bytes
    memory_limit: int | None = None


@dataclass(frozen=True)
class Placement:
    constraints: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    node: str | None = None


@dataclass(frozen=True)
class Workload:
    """One thing to run. `environment` values may hold `{address:mysql}`-style references, which a target resolves to
    where it put that component; `secrets` maps a variable to (secret name, key), whose value reaches the process as a file."""

    name: str
    component: str
    kind: Kind
    replicas: int
    image: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    ready: Probe | None = None
    volumes: tuple[Volume, ...] = ()
    resources: Resources = Resources()
    placement: Placement = Placement()
    depends_on: tuple[str, ...] = ()
    stop_grace: float = 30.0  # seconds between the request to stop and the kill
    log_max_size: int = 10 * 2**20  # bytes
    log_max_files: int = 3

    @property
    def digest(self) -> str:
        """Changes when a running instance has to be replaced: everything except how many replicas there are."""
        data = asdict(self)
        del data["replicas"]
        text = json.dumps(data, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Secret:
    """A secret that the system needs. The target generates missing keys and keeps existing ones; values never appear
    here."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Blueprint:
    """Everything that is to exist for one ChatSystem, in the order in which it has to become healthy."""

    system: str
    workloads: tuple[Workload, ...]
    secrets: tuple[Secret, ...] = ()

    @property
    def digest(self) -> str:
        text = ",".join(f"{w.name}={w.digest}x{w.replicas}" for w in self.workloads)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
