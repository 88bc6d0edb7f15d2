"""The planner: observed and desired state to the steps that may be taken now. Pure.

One pass goes through the workloads in the order of the blueprint and asks for each: what is missing, what may be done about
it now, what has to be waited for. Steps of one plan never depend on each other's success: a step that does is not in the plan
yet, a WAIT that names what it waits for is, and the next pass resumes there. Only when every workload is as desired are the
remains of others removed, the last in dependency order first, and only when those are gone is the next phase of a change of the
certificate authority begun.

There are two kinds of platform. Where the engine keeps the replicas, it plans the start and stop of single instances
(`replicas`); where the platform does, the engine plans when the objects of a workload are applied (`groups`). Secrets, order,
dependencies, jobs and removal are the same for both. The plan depends on nothing but its arguments, so that a crash
anywhere leaves a state from which the next pass goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.engine import certificates, groups, store_health
from controller.engine.certificates import Change
from controller.engine.decision import Decision
from controller.engine.model import Action, Group, Health, Instance, JobRun, Observed, Plan, Standing, Step
from controller.engine.replicas import roll


def plan(blueprint: Blueprint, observed: Observed, now: float) -> Plan:
    """What to do in this pass. `now` in Unix seconds: back-offs end by it."""
    secrets = (*_missing_secrets(blueprint, observed), *_certificates(blueprint, observed, now, settled=False))
    decision = Decision(secrets)
    for group in _frame(blueprint, observed):
        decision += groups.agree(group, "")
    for workload in blueprint.workloads:
        if workload.replicas > 0:
            decision += _decide(blueprint, workload, observed, now)
    if not decision.steps and not decision.waits:
        decision = groups.removal(observed.groups) if observed.groups else _removal(blueprint, observed)
    if not decision.steps and not decision.waits:
        decision = Decision(tuple(_certificates(blueprint, observed, now, settled=True)))
    return Plan((*decision.steps, *decision.waits), min(decision.wakes, default=None))


def is_served(workload: Workload, observed: Observed) -> bool:
    """Whether what depends on the workload may start: it has a healthy instance, and none that is still to be replaced;
    a job has succeeded. How many instances more it should have does not matter, or one broken replica would keep
    everything behind it from being repaired."""
    if workload.kind is Kind.JOB:
        run = observed.job(workload.name)
        return run is not None and run.digest == workload.digest and run.succeeded is True
    group = observed.group(workload.name)
    if group is not None:
        return group.standing is Standing.APPLIED and group.served
    alive = [item for item in observed.of(workload.name) if item.health not in {Health.STOPPING, Health.EXITED}]
    return all(item.digest == workload.digest for item in alive) and any(
        item.health is Health.HEALTHY for item in alive
    )


def _decide(blueprint: Blueprint, workload: Workload, observed: Observed, now: float) -> Decision:
    obstacle = _unmet(blueprint, workload, observed)
    if workload.kind is Kind.JOB:
        return _job(workload, observed.job(workload.name), obstacle, now)
    group = observed.group(workload.name)
    if group is not None:
        return groups.agree(group, obstacle)
    decision = roll(workload, observed.of(workload.name), obstacle, now)
    return _clear_ports(blueprint, workload, decision, observed.instances)


def _frame(blueprint: Blueprint, observed: Observed) -> list[Group]:
    """The declared groups that are no workload's: what comes before all of them or after."""
    return [
        group
        for group in observed.groups
        if group.standing is not Standing.UNWANTED and blueprint.workload(group.name) is None
    ]


def _unmet(blueprint: Blueprint, workload: Workload, observed: Observed) -> str:
    """The first thing it needs that is not served, or nothing."""
    own = observed.group(workload.name)
    if own is not None:
        for group in _frame(blueprint, observed):
            if group.order < own.order and group.standing is not Standing.APPLIED:
                return group.name
    for name in workload.depends_on:
        needed = blueprint.workload(name)
        if needed is not None and not is_served(needed, observed):
            return name
    return store_health.obstacle(workload, observed.stores)


def _missing_secrets(blueprint: Blueprint, observed: Observed) -> list[Step]:
    return [
        Step(Action.CREATE_SECRET, secret.name, reason=f"the secret {secret.name} lacks {', '.join(missing)}")
        for secret in blueprint.secrets
        if secret.generated
        and secret.certificate is None
        and (missing := [key for key in secret.keys if key not in observed.secrets.get(secret.name, ())])
    ]


def _certificates(blueprint: Blueprint, observed: Observed, now: float, *, settled: bool) -> list[Step]:
    """`settled`: nothing else is to be done, so every process has the certificates of today."""
    steps = []
    for secret in blueprint.secrets:
        if secret.certificate is None:
            continue
        change = certificates.due(secret.certificate, observed.certificates.get(secret.name), now, settled=settled)
        if change is not None:
            action = Action.CREATE_SECRET if change is Change.CREATE else Action.RENEW_SECRET
            steps.append(Step(action, secret.name, reason=certificates.REASONS[change].format(name=secret.name)))
    return steps


def _job(workload: Workload, run: JobRun | None, obstacle: str, now: float) -> Decision:
    name = workload.name
    if run is not None and run.succeeded is None:
        # A run of an older declaration is let finish: two migrations at once, or one cut off, help nobody.
        return Decision(waits=(Step(Action.WAIT, name, reason=f"{name} is running"),))
    if run is not None and run.digest == workload.digest:
        if run.succeeded:
            return Decision()
        if run.retry_at > now:
            reason = f"{name} failed; attempt {run.attempt + 1} follows"
            return Decision(waits=(Step(Action.WAIT, name, reason=reason),), wakes=(run.retry_at,))
    if obstacle:
        return Decision(waits=(Step(Action.WAIT, name, reason=f"{name} waits for {obstacle}"),))
    reason = f"{name} has not run for this declaration" if run is None or run.digest != workload.digest else "it failed"
    return Decision(steps=(Step(Action.RUN_JOB, name, reason=reason),))


def _clear_ports(
    blueprint: Blueprint, workload: Workload, decision: Decision, instances: Sequence[Instance]
) -> Decision:
    """A port that is to be published but is held by an instance nobody wants any more: the one case in which removal comes
    before the start. Ports that can be shared need none of this."""
    if not any(step.action in {Action.START, Action.RESTART} for step in decision.steps):
        return decision
    wanted = {port.number for port in workload.ports if port.published and not port.shared}
    holders = [
        item
        for item in instances
        if item.workload != workload.name
        and item.health is not Health.EXITED
        and wanted.intersection(item.ports)
        and not _keeps_its_ports(blueprint.workload(item.workload), item)
    ]
    if not holders:
        return decision
    stops = tuple(
        Step(Action.STOP, item.workload, item.index, item.id, f"it holds a port that {workload.name} needs")
        for item in holders
        if item.health is not Health.STOPPING
    )
    wait = Step(Action.WAIT, workload.name, reason=f"{workload.name} waits for a port that {holders[0].workload} holds")
    kept = tuple(step for step in decision.steps if step.action not in {Action.START, Action.RESTART})
    return Decision((*kept, *stops), (*decision.waits, wait), decision.wakes)


def _keeps_its_ports(workload: Workload | None, instance: Instance) -> bool:
    if workload is None:
        return False
    return set(instance.ports) <= {port.number for port in workload.ports if port.published}


def _removal(blueprint: Blueprint, observed: Observed) -> Decision:
    """Stops what is not desired, one tier at a time from the last to the first, then forgets what it left."""
    desired = {workload.name for workload in blueprint.workloads if workload.replicas > 0}
    known = {workload.name for workload in blueprint.workloads}
    doomed = [item for item in observed.instances if item.workload not in desired]
    dead = [item for item in doomed if item.health is Health.EXITED]
    steps = [Step(Action.STOP, item.workload, item.index, item.id, "it is not desired and has ended") for item in dead]
    alive = [item for item in doomed if item.health is not Health.EXITED]
    if alive:
        last = max(item.order for item in alive)
        tier = [item for item in alive if item.order == last]
        for item in tier:
            if item.health is not Health.STOPPING:
                why = "it is suspended" if item.workload in known else "it is not desired"
                steps.append(Step(Action.STOP, item.workload, item.index, item.id, why))
        names = ", ".join(sorted({item.workload for item in tier}))
        wait = Step(Action.WAIT, tier[0].workload, reason=f"waits until {names} has stopped")
        return Decision(tuple(steps), (wait,))
    gone = [name for name in observed.leftovers if name not in known]
    return Decision((*steps, *(Step(Action.FORGET, name, reason="it is not desired") for name in gone)))
