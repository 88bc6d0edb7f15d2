"""The conditions of a ChatSystem, one pure function each.

Ready, Reconciling and Stalled mean what kstatus says
(https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md): Reconciling and Stalled are worth a look when
True, Ready when it is not True. All are always present, so that their absence is never read as good news.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.blueprint.workload import Kind
from controller.engine.model import Health, Severity, Verdict
from controller.engine.reasons import Reason
from controller.engine.situation import Situation, troubles

LONGEST = 2000
"""Characters of a message; a log excerpt may be long."""


@dataclass(frozen=True)
class Condition:
    type: str
    status: str  # True, False or Unknown
    reason: str
    message: str = ""


def ready(situation: Situation) -> Condition:
    """What runs is what is declared, and all of it is healthy."""
    if situation.stopped:
        return Condition(
            "Ready", "False", Reason.STOPPED, "everything is stopped; the declaration and the data are kept"
        )
    if situation.deleting:
        return Condition("Ready", "False", Reason.DELETING, "is being deleted")
    found = troubles(situation)
    if found:
        return Condition("Ready", "False", found[0].reason, _joined(situation))
    if situation.suspended:
        return Condition("Ready", "False", Reason.SUSPENDED, "suspended by spec.suspend; the data is kept")
    if situation.converged:
        return Condition("Ready", "True", Reason.CONVERGED, "everything declared runs and is healthy")
    return Condition("Ready", "False", Reason.PROGRESSING, _next(situation))


def reconciling(situation: Situation) -> Condition:
    """The controller is still changing something."""
    if situation.paused:
        return Condition("Reconciling", "False", Reason.PAUSED, "paused: nothing is changed until it is resumed")
    if situation.problems:
        return Condition("Reconciling", "False", Reason.INVALID_SPEC, "waits for a valid declaration")
    if situation.deleting:
        return Condition("Reconciling", "True", Reason.DELETING, _next(situation))
    if situation.stopped or situation.converged:
        return Condition("Reconciling", "False", Reason.CONVERGED, "nothing is left to do")
    return Condition("Reconciling", "True", Reason.PROGRESSING, _next(situation))


def stalled(situation: Situation) -> Condition:
    """Something keeps the system from getting there, and waiting alone will hardly help."""
    lasting = [] if situation.stopped else [trouble for trouble in troubles(situation) if trouble.lasting]
    if lasting:
        return Condition("Stalled", "True", lasting[0].reason, _joined(situation))
    return Condition("Stalled", "False", Reason.PROGRESSING if situation.plan.steps else Reason.CONVERGED)


def available(situation: Situation) -> Condition:
    """Each declared service and store has at least one healthy instance, an older one too: people can use the system."""
    if situation.stopped or situation.suspended:
        reason = Reason.STOPPED if situation.stopped else Reason.SUSPENDED
        return Condition("Available", "False", reason, "nothing is meant to run")
    wanted = [
        (workload, component)
        for workload in situation.blueprint.workloads
        if workload.kind is not Kind.JOB
        for component in workload.components
    ]
    missing = [
        component
        for workload, component in wanted
        if not any(item.health is Health.HEALTHY for item in situation.hosts(workload, component))
    ]
    if missing:
        return Condition("Available", "False", Reason.UNHEALTHY, f"no healthy instance of {', '.join(missing)}")
    if not wanted:
        return Condition("Available", "False", Reason.NOT_CONFIGURED, "no service is declared")
    return Condition("Available", "True", Reason.HEALTHY, "every service has a healthy instance")


def stores_ready(situation: Situation) -> Condition:
    """The external stores can be used. What runs goes on without regard to this; nothing is started on a store with an error."""
    kind, stores = "StoresReady", situation.observed.stores
    if not stores:
        return Condition(
            kind, "Unknown", Reason.NOT_CONFIGURED, "no external store is declared, or none is looked at now"
        )
    findings = [finding for store in stores for finding in store.findings]
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    text = "; ".join(finding.sentence for finding in (errors or findings))[:LONGEST]
    if errors:
        return Condition(kind, "False", errors[0].reason, text)
    unknown = [store for store in stores if not store.checked]
    if failures := [f"{store.path}: {store.failure}" for store in unknown if store.failure]:
        return Condition(kind, "Unknown", Reason.STORE_CHECK_FAILED, "; ".join(failures)[:LONGEST])
    if unknown:
        text = f"being checked: {', '.join(store.path for store in unknown)}"
        return Condition(kind, "Unknown", Reason.PROGRESSING, text)
    if findings:
        return Condition(kind, "True", findings[0].reason, text)
    return Condition(kind, "True", Reason.HEALTHY, "every external store can be used")


def released(situation: Situation) -> Condition:
    """What became of the newest revision."""
    revision = situation.revision
    if revision is None:
        return Condition("Released", "Unknown", Reason.PROGRESSING, "no revision has been accepted yet")
    name = f"revision {revision.number}"
    match revision.verdict:
        case Verdict.RELEASED:
            return Condition("Released", "True", Reason.RELEASED, f"{name} is released")
        case Verdict.ROLLED_BACK:
            return Condition("Released", "False", Reason.ROLLED_BACK, f"{name} was rolled back: {revision.message}")
        case Verdict.FAILED:
            return Condition("Released", "False", Reason.STEP_FAILED, f"{name} failed: {revision.message}")
        case _:
            return Condition("Released", "Unknown", Reason.PROGRESSING, f"{name} is on its way")


def backed_up(situation: Situation) -> Condition:
    """Whether there is a good backup. Nothing takes backups here, and this says so rather than nothing."""
    backup = situation.spec.get("backup")
    if isinstance(backup, dict) and backup.get("schedule"):
        text = "spec.backup.schedule is set, but this version takes no backups on this target"
        return Condition("BackedUp", "Unknown", Reason.NOT_AVAILABLE, text)
    return Condition("BackedUp", "Unknown", Reason.NOT_CONFIGURED, "spec.backup.schedule is not set")


CONDITIONS: tuple[Callable[[Situation], Condition], ...] = (
    ready,
    # Before Reconciling: kstatus goes by the first of the two that is True, and what stalls would never be a failure.
    stalled,
    reconciling,
    available,
    stores_ready,
    released,
    backed_up,
)


def conditions_of(situation: Situation) -> list[Condition]:
    return [condition(situation) for condition in CONDITIONS]


def _joined(situation: Situation) -> str:
    return "; ".join(trouble.message for trouble in troubles(situation))[:LONGEST]


def _next(situation: Situation) -> str:
    reasons = [step.reason for step in (*situation.plan.actions, *situation.plan.waits) if step.reason]
    return "; ".join(dict.fromkeys(reasons))[:LONGEST]
