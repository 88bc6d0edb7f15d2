"""What the passes to come will do if everything goes well: the plan that a person is shown. Pure.

`after` is the effect of one step on what is observed; the planner's laws are tested against the same function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from controller.blueprint.workload import Blueprint
from controller.engine import certificates
from controller.engine.model import Action, Group, Health, Instance, JobRun, Observed, Standing, Step
from controller.engine.planner import plan


def forecast(blueprint: Blueprint, observed: Observed, now: float, limit: int = 10_000) -> list[Step]:
    """Every action that leads from what is observed to what is desired, in order. Back-offs are taken as over."""
    return list(_walk(blueprint, observed, now, limit))


def _walk(blueprint: Blueprint, observed: Observed, now: float, limit: int) -> Iterator[Step]:
    for count in range(limit):
        current = plan(blueprint, observed, now)
        if current.empty:
            return
        now = max(now, current.wake_at or now)
        for number, step in enumerate(current.actions):
            yield step
            observed = after(blueprint, observed, step, f"+{count}.{number}", now)
        observed = settled(observed)


def after(blueprint: Blueprint, observed: Observed, step: Step, fresh: str, now: float) -> Observed:
    """What is observed once the step has been ordered. `fresh` is the id of an instance that it starts."""
    workload = blueprint.workload(step.workload)
    kept = tuple(item for item in observed.instances if item.id != step.instance)
    match step.action:
        case Action.CREATE_SECRET:
            keys = {**observed.secrets}
            keys.update({secret.name: secret.keys for secret in blueprint.secrets if secret.name == step.workload})
            return _with_certificate(blueprint, replace(observed, secrets=keys), step, now)
        case Action.RENEW_SECRET:
            return _with_certificate(blueprint, observed, step, now)
        case Action.RUN_JOB if workload is not None:
            others = tuple(run for run in observed.jobs if run.workload != step.workload)
            return replace(observed, jobs=(*others, JobRun(workload.name, workload.digest, None)))
        case Action.START | Action.RESTART if workload is not None:
            new = Instance(
                id=fresh,
                workload=workload.name,
                index=step.index,
                digest=workload.digest,
                health=Health.STARTING,
                components=workload.components,
                version=workload.version,
                order=blueprint.workloads.index(workload),
                ports=tuple(port.number for port in workload.ports if port.published),
                started_at=now,
            )
            return replace(observed, instances=(*kept, new))
        case Action.STOP:
            stopping = tuple(
                replace(item, health=Health.STOPPING)
                for item in observed.instances
                if item.id == step.instance and item.health is not Health.EXITED
            )
            return replace(observed, instances=kept + stopping)
        case Action.APPLY | Action.PRUNE:
            groups = tuple(
                _changed(group, step.action) if group.name == step.workload else group for group in observed.groups
            )
            return replace(observed, groups=groups)
        case Action.FORGET:
            return replace(observed, leftovers=tuple(name for name in observed.leftovers if name != step.workload))
        case _:
            return observed


def _changed(group: Group, action: Action) -> Group:
    if action is Action.PRUNE:
        return replace(group, surplus=())
    running = group.served and group.standing is Standing.DRIFTED
    return replace(group, standing=Standing.APPLIED, details="", served=running, ready=False)


def settled(observed: Observed) -> Observed:
    """The best that time can do: what starts becomes healthy, what stops is gone, what runs succeeds."""
    instances = tuple(
        replace(item, health=Health.HEALTHY) if item.health in {Health.STARTING, Health.UNREADY} else item
        for item in observed.instances
        if item.health is not Health.STOPPING
    )
    jobs = tuple(replace(run, succeeded=True) if run.succeeded is None else run for run in observed.jobs)
    gone = {item.workload for item in observed.instances} - {item.workload for item in instances}
    groups = tuple(
        replace(group, served=True, ready=True) if group.standing is Standing.APPLIED else group
        for group in observed.groups
        if group.standing is not Standing.UNWANTED or group.surplus
    )
    left = tuple(sorted({*observed.leftovers, *gone}))
    return replace(observed, instances=instances, jobs=jobs, groups=groups, leftovers=left)


def _with_certificate(blueprint: Blueprint, observed: Observed, step: Step, now: float) -> Observed:
    """With the certificate changed as is due. Who was told the one before is replaced, which is not told here: a plan for a person
    would name every process for each of three phases."""
    secret = next((item for item in blueprint.secrets if item.name == step.workload), None)
    if secret is None or secret.certificate is None:
        return observed
    before = observed.certificates.get(secret.name)
    change = certificates.due(secret.certificate, before, now, settled=True)
    if change is None:
        return observed
    state = certificates.after(secret.certificate, before, change, now)
    return replace(observed, certificates={**observed.certificates, secret.name: state})
