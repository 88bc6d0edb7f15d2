"""The engine's plain data: what is observed, what a plan is made of, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from controller.engine.certificates import CertificateState


class Health(StrEnum):
    STARTING = "starting"  # not ready yet, within its deadline
    HEALTHY = "healthy"
    UNREADY = "unready"  # alive, but says that it cannot work, or is late; restarting it would not help
    FAILED = "failed"  # does not answer: hung
    EXITED = "exited"  # gone without having been asked to
    STOPPING = "stopping"


@dataclass(frozen=True)
class Instance:
    """One running replica of a workload, or what is left of one that died."""

    id: str
    """Unique for all time."""
    workload: str
    index: int
    """Its slot, 0 and up; -1 where the platform gives none. While one gives way to another, both have the same."""
    digest: str
    """That of the workload it was started from."""
    health: Health
    components: tuple[str, ...] = ()
    version: str = ""
    order: int = 0
    """Place of its workload in the blueprint it was started from: what comes later is stopped earlier."""
    ports: tuple[int, ...] = ()
    """The published ports that it holds."""
    restarts: int = 0
    """How often it died in a row without having run for a while."""
    retry_at: float = 0.0
    """Unix seconds before which it must not be started again."""
    started_at: float = 0.0
    message: str = ""
    """Why it is not healthy, in words; never secrets or message text."""

    @property
    def label(self) -> str:
        """What a person calls it."""
        return f"{self.workload}-{self.index}" if self.index >= 0 else self.id


class Standing(StrEnum):
    """How far what the platform has of a group agrees with the declaration."""

    MISSING = "missing"  # what runs its instances is not there
    OUTDATED = "outdated"  # it was applied from another declaration
    DRIFTED = "drifted"  # it was changed, or lost a part, since it was applied
    APPLIED = "applied"
    UNWANTED = "unwanted"  # it is not declared


@dataclass(frozen=True)
class Group:
    """One part of a system on a platform that keeps replicas itself: the objects of one workload, or those that come before
    or after all workloads. The platform rolls, restarts and scales; the engine says when the group may be applied."""

    name: str
    """That of the workload, or a name of its own."""
    order: int
    """Its place among the groups: what comes later is removed earlier."""
    standing: Standing
    details: str = ""
    """Which object is missing or differs, and in what."""
    served: bool = False
    """What depends on it may start: an instance is healthy, and none is left that is to be replaced."""
    ready: bool = False
    """As it is meant to be."""
    message: str = ""
    """Why it is not ready, in words."""
    reason: str = ""
    """A word of controller.engine.reasons when waiting alone will hardly make it ready."""
    surplus: tuple[str, ...] = ()
    """Objects of it that the declaration does not ask for; data is never among them. Of an unwanted group, all of them that
    have not been told to go."""


@dataclass(frozen=True)
class JobRun:
    """The newest run of a job."""

    workload: str
    digest: str
    succeeded: bool | None
    """None while it runs."""
    attempt: int = 1
    retry_at: float = 0.0
    message: str = ""


class Severity(StrEnum):
    WARNING = "warning"  # works, but a promise is in danger
    ERROR = "error"  # a service that needs the store would fail


@dataclass(frozen=True)
class Finding:
    """What is wrong with an external store. Never holds a secret."""

    severity: Severity
    reason: str
    """A stable word of controller.engine.reasons."""
    path: str
    """The field of the declaration that it is about."""
    message: str
    remedy: str

    @property
    def sentence(self) -> str:
        return f"{self.path}: {self.message}; {self.remedy}"


@dataclass(frozen=True)
class StoreHealth:
    """An external store, as it was found by the newest check."""

    name: str
    path: str
    """Where it is declared."""
    server: str = ""
    """What answered: product and version."""
    address: str = ""
    """Which of several did."""
    note: str = ""
    """What else is worth knowing, such as the state of the schema."""
    findings: tuple[Finding, ...] = ()
    """Worst first."""
    checked: bool = True
    """False: there is no answer of a check yet, or there cannot be one, as `failure` says."""
    failure: str = ""

    @property
    def error(self) -> Finding | None:
        return next((item for item in self.findings if item.severity is Severity.ERROR), None)


@dataclass(frozen=True)
class Observed:
    """Everything on the platform that belongs to one system."""

    instances: tuple[Instance, ...] = ()
    jobs: tuple[JobRun, ...] = ()
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Secret name -> the keys that exist."""
    leftovers: tuple[str, ...] = ()
    """Workloads without instances of which something is still to be forgotten."""
    stores: tuple[StoreHealth, ...] = ()
    """The external stores. One that is not here holds nothing up."""

    groups: tuple[Group, ...] = ()
    """Of a platform that keeps replicas itself: what is to be applied, in this order, and what else is there. Empty where the
    engine starts and stops instances."""
    certificates: Mapping[str, CertificateState] = field(default_factory=dict)
    """Secret name -> the certificate in it, where there is one that can be read."""

    def of(self, workload: str) -> tuple[Instance, ...]:
        return tuple(item for item in self.instances if item.workload == workload)

    def job(self, workload: str) -> JobRun | None:
        return next((run for run in self.jobs if run.workload == workload), None)

    def group(self, name: str) -> Group | None:
        return next((group for group in self.groups if group.name == name), None)


class Action(StrEnum):
    CREATE_SECRET = "create-secret"  # noqa: S105 - the name of an action
    RENEW_SECRET = "renew-secret"  # noqa: S105 - the next change of its certificate
    RUN_JOB = "run-job"
    START = "start"  # a new instance
    RESTART = "restart"  # one that died or hangs, in its place
    STOP = "stop"  # one instance; of a dead one, its record
    FORGET = "forget"  # the leftovers of a workload that is no longer desired
    APPLY = "apply"  # the objects of a group, as declared
    PRUNE = "prune"  # what a group has too much
    WAIT = "wait"  # nothing to do but to look again


@dataclass(frozen=True)
class Step:
    action: Action
    workload: str
    """Or the name of the secret, or of the group."""
    index: int = 0
    instance: str = ""
    """The id of the instance that is restarted or stopped."""
    reason: str = ""
    """A sentence for a person."""


@dataclass(frozen=True)
class Plan:
    """What one pass does: steps that may be taken now, in this order, then what has to be waited for. None at all means
    converged."""

    steps: tuple[Step, ...] = ()
    wake_at: float | None = None
    """Unix seconds at which a wait is over by itself (a back-off ends)."""

    @property
    def empty(self) -> bool:
        return not self.steps

    @property
    def actions(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action is not Action.WAIT)

    @property
    def waits(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action is Action.WAIT)


@dataclass(frozen=True)
class Event:
    time: float
    """Unix seconds."""
    type: str
    """Normal or Warning."""
    reason: str
    """A stable word of controller.engine.reasons."""
    message: str
    component: str = ""


class Verdict(StrEnum):
    """What became of a revision."""

    PENDING = "Pending"
    RELEASED = "Released"
    FAILED = "Failed"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"  # another declaration came before it was done


@dataclass(frozen=True)
class Revision:
    """One accepted declaration and what became of it."""

    number: int
    generation: int
    time: float
    author: str
    document: Mapping[str, Any]
    summary: str
    """What differed from the one before."""
    verdict: Verdict = Verdict.PENDING
    message: str = ""
    seconds: float = 0.0
    """How long it took to the verdict."""
