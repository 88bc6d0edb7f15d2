"""The engine's plain data: what is observed, what a plan is made of, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Health(StrEnum):
    STARTING = "starting"
    HEALTHY = "healthy"
    FAILED = "failed"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Instance:
    """One running replica of a workload. `digest` is that of the workload it was started from."""

    workload: str
    index: int
    digest: str
    health: Health
    restarts: int = 0
    message: str = ""  # why it is not healthy, in words


@dataclass(frozen=True)
class JobRun:
    """The outcome of a job of one digest. `succeeded` is None while it runs."""

    workload: str
    digest: str
    succeeded: bool | None
    message: str = ""


@dataclass(frozen=True)
class Observed:
    """Everything on the platform that belongs to one system."""

    instances: tuple[Instance, ...] = ()
    jobs: tuple[JobRun, ...] = ()
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> keys


class Action(StrEnum):
    CREATE_SECRET = "create-secret"  # noqa: S105
    START = "start"  # one replica
    REPLACE = "replace"  # one replica, from an older digest to the desired one
    STOP = "stop"  # one replica
    RUN_JOB = "run-job"
    FORGET = "forget"  # the leftovers of a workload that is no longer desired
    WAIT = "wait"  # nothing to do but to look again: ends the pass


@dataclass(frozen=True)
class Step:
    action: Action
    workload: str
    index: int = 0
    reason: str = ""  # a sentence for a person


@dataclass(frozen=True)
class Plan:
    """An ordered list of steps. A plan without any step other than WAIT changes nothing; an empty one means converged."""

    steps: tuple[Step, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.steps


@dataclass(frozen=True)
class Event:
    time: float  # Unix seconds
    type: str  # Normal | Warning
    reason: str  # a stable CamelCase word, listed in docs/reference
    message: str
    component: str = ""


@dataclass(frozen=True)
class Revision:
    """One accepted declaration and what became of it."""

    number: int
    generation: int
    time: float
    author: str
    document: Mapping[str, Any]
    summary: str  # what differed from the one before
    verdict: str  # Pending | Released | Failed | RolledBack | Superseded
    message: str = ""
    seconds: float = 0.0
