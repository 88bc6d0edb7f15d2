"""Everything that conditions and status are decided from, gathered once a pass. Pure.

`troubles` says what keeps a system from being as desired, the most telling first; conditions word it, they do not look again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.engine.model import Health, Instance, Observed, Plan, Revision
from controller.engine.reasons import Reason
from controller.engine.store_health import TRANSIENT

CRASH_LOOP_AFTER = 3
"""Deaths in a row after which a replica counts as crash-looping."""


@dataclass(frozen=True)
class Trouble:
    """Something a person may have to act on. `lasting`: waiting alone will hardly help."""

    reason: str
    message: str
    lasting: bool = True


@dataclass(frozen=True)
class Situation:
    """One pass over one system."""

    generation: int
    document: Mapping[str, Any]
    blueprint: Blueprint
    observed: Observed
    plan: Plan = field(default_factory=Plan)
    problems: tuple[str, ...] = ()
    """Why the stored document is not valid; what runs is then left alone."""
    errors: tuple[Trouble, ...] = ()
    """Steps of this pass that failed."""
    revision: Revision | None = None
    paused: bool = False
    deleting: bool = False
    stopped: bool = False
    overdue: bool = False
    """The change takes longer than `spec.release.timeout`."""
    addresses: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = ()
    previous: Mapping[str, Any] = field(default_factory=dict)
    """The status as last written."""

    @property
    def spec(self) -> Mapping[str, Any]:
        spec = self.document.get("spec")
        return spec if isinstance(spec, Mapping) else {}

    @property
    def suspended(self) -> bool:
        return self.spec.get("suspend") is True

    def hosts(self, workload: Workload, component: str) -> list[Instance]:
        """The instances that serve a component: those of its workload as declared now, and those of any workload that
        were started for it. An instance that is kept while its workload takes on another component serves that too."""
        return [
            item
            for item in self.observed.instances
            if component in item.components or (item.workload, item.digest) == (workload.name, workload.digest)
        ]

    @property
    def converged(self) -> bool:
        return self.plan.empty and not self.errors and not self.problems


def troubles(situation: Situation) -> list[Trouble]:
    """Worst first."""
    if situation.problems:
        text = "; ".join(situation.problems)
        return [Trouble(Reason.INVALID_SPEC, f"the declaration is not valid, what runs is left as it is: {text}")]
    found = list(situation.errors)
    found += _stores(situation)
    found += _jobs(situation)
    found += _groups(situation)
    found += _instances(situation)
    if situation.overdue and not situation.converged:
        waits = "; ".join(step.reason for step in situation.plan.waits) or "steps are left"
        found.append(Trouble(Reason.DEADLINE_EXCEEDED, f"the change takes longer than spec.release.timeout: {waits}"))
    return sorted(found, key=lambda trouble: not trouble.lasting)


def _stores(situation: Situation) -> list[Trouble]:
    """Only those that hold something up: while what runs is healthy, a store's error is no trouble of the system yet."""
    waiting = [situation.blueprint.workload(step.workload) for step in situation.plan.waits]
    needed = {name for workload in waiting if workload is not None for name in workload.external}
    return [
        Trouble(error.reason, error.sentence, lasting=error.reason not in TRANSIENT)
        for store in situation.observed.stores
        if store.name in needed and (error := store.error) is not None
    ]


def _jobs(situation: Situation) -> list[Trouble]:
    digests = {item.name: item.digest for item in situation.blueprint.workloads if item.kind is Kind.JOB}
    return [
        Trouble(Reason.JOB_FAILED, f"{run.workload} failed (attempt {run.attempt}): {run.message}")
        for run in situation.observed.jobs
        if run.succeeded is False and run.digest == digests.get(run.workload)
    ]


def _groups(situation: Situation) -> list[Trouble]:
    """What the platform says of its own accord that it cannot do."""
    return [
        Trouble(group.reason, f"{group.name}: {group.message}")
        for group in situation.observed.groups
        if group.reason and not group.ready
    ]


def _instances(situation: Situation) -> list[Trouble]:
    found = []
    for item in situation.observed.instances:
        if situation.blueprint.workload(item.workload) is None:
            continue
        name = item.label
        match item.health:
            case Health.EXITED | Health.STARTING if item.restarts >= CRASH_LOOP_AFTER:
                text = f"{name} died {item.restarts} times in a row: {item.message}"
                found.append(Trouble(Reason.CRASH_LOOP, text))
            case Health.EXITED:
                found.append(Trouble(Reason.UNHEALTHY, f"{name} ended: {item.message}", lasting=False))
            case Health.FAILED:
                found.append(Trouble(Reason.NOT_RESPONDING, f"{name} does not answer: {item.message}"))
            case Health.UNREADY:
                found.append(Trouble(Reason.UNHEALTHY, f"{name} is not ready: {item.message}", lasting=False))
            case _:
                continue
    return found
