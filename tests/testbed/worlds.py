"""Generated blueprints and observed states, and a simulated platform to run plans against.

The simulation is the pure model that the planner's laws are stated on: it keeps instances as the platform would, checks the
order at each step, and lets time pass as well or as badly as it is told.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import strategies as st

from controller.blueprint.workload import Blueprint, Certificate, Kind, Port, Secret, Update, Workload
from controller.engine.forecast import after, settled
from controller.engine.model import Action, Health, Instance, JobRun, Observed, Step
from controller.engine.planner import is_served

NAMES = ("valkey", "mysql", "migrate", "speech", "user", "gateway", "services")
NOW = 1_000_000.0


@st.composite
def blueprints(draw: st.DrawFn) -> Blueprint:
    """A system of up to seven workloads, each depending on earlier ones only."""
    names = [name for name in NAMES if draw(st.booleans())]
    workloads: list[Workload] = []
    suspended = draw(st.sampled_from([False, False, False, True]))
    for name in names:
        kind = Kind.STORE if name in {"valkey", "mysql"} else Kind.JOB if name == "migrate" else Kind.SERVICE
        earlier = [item.name for item in workloads]
        published = name in {"gateway", "services"}
        shared = draw(st.booleans())
        most = 1 if published and not shared else 3
        workloads.append(
            Workload(
                name=name,
                kind=kind,
                image=draw(st.sampled_from(["one", "two"])),
                replicas=0 if suspended else draw(st.integers(1, most)) if kind is Kind.SERVICE else 1,
                depends_on=tuple(draw(st.lists(st.sampled_from(earlier), unique=True))) if earlier else (),
                ports=(Port("http", draw(st.sampled_from([9000, 9001])), True, shared),) if published else (),
                update=Update.STOP_FIRST if kind is Kind.STORE else draw(st.sampled_from(list(Update))),
            )
        )
    published_by: dict[int, str] = {}
    kept = [
        item
        for item in workloads
        if all(published_by.setdefault(port.number, item.name) == item.name for port in item.ports)
    ]
    secrets = [Secret(name, ("password",)) for name in draw(st.sets(st.sampled_from(["valkey", "rpc"])))]
    if draw(st.booleans()):
        secrets.append(Secret("tls", ("tls.crt",), certificate=Certificate("services", 3600.0)))
    return Blueprint("acme", tuple(kept), tuple(secrets))


@st.composite
def observations(draw: st.DrawFn, blueprint: Blueprint) -> Observed:
    """Any state a platform may be found in, with no regard to how it came about."""
    instances: list[Instance] = []
    for order, name in enumerate(NAMES):
        workload = blueprint.workload(name)
        if (workload.kind if workload else None) is Kind.JOB or name == "migrate":
            continue
        for number in range(draw(st.integers(0, 4))):
            current = workload is not None and draw(st.booleans())
            held = draw(st.sampled_from([(), (9000,), (9001,)])) if name in {"gateway", "services"} else ()
            if current and workload:
                held = tuple(port.number for port in workload.ports)
            instances.append(
                Instance(
                    id=f"{name}-{number}",
                    workload=name,
                    index=draw(st.integers(0, 3)),
                    digest=workload.digest if current and workload else "old",
                    health=draw(st.sampled_from(list(Health))),
                    order=order,
                    ports=held,
                    retry_at=draw(st.sampled_from([0.0, NOW + 5])),
                )
            )
    jobs = []
    job = blueprint.workload("migrate")
    for _ in range(draw(st.integers(0, 1))):
        digest = job.digest if job is not None and draw(st.booleans()) else "old"
        jobs.append(JobRun("migrate", digest, draw(st.sampled_from([None, True, False]))))
    keys = draw(st.dictionaries(st.sampled_from(["valkey", "rpc", "old"]), st.just(("password",))))
    return Observed(tuple(instances), tuple(jobs), keys, draw(st.sampled_from([(), ("services",), ("old",)])))


class Platform:
    """A simulated platform. `execute` fails the test where a step breaks the order."""

    def __init__(self, blueprint: Blueprint, observed: Observed) -> None:
        self.blueprint = blueprint
        self.observed = observed
        self._ids = itertools.count()

    def execute(self, step: Step, now: float) -> None:
        self._check(step)
        self.observed = after(self.blueprint, self.observed, step, f"new-{next(self._ids)}", now)

    def let_time_pass(self) -> None:
        """Everything that is under way ends well."""
        self.observed = settled(self.observed)

    def kill(self, number: int) -> None:
        """An instance dies, if there is one of that number."""
        alive = [item for item in self.observed.instances if item.health is not Health.STOPPING]
        if alive:
            victim = alive[number % len(alive)]
            dead = replace(victim, health=Health.EXITED)
            others = tuple(item for item in self.observed.instances if item is not victim)
            self.observed = replace(self.observed, instances=(*others, dead))

    def of(self, name: str) -> list[Instance]:
        return [item for item in self.observed.instances if item.workload == name]

    def _check(self, step: Step) -> None:
        workload = self.blueprint.workload(step.workload)
        if step.action in {Action.START, Action.RESTART, Action.RUN_JOB}:
            assert workload is not None, "what is not desired is never started"
            for name in workload.depends_on:
                needed = self.blueprint.workload(name)
                assert needed is None or is_served(needed, self.observed), f"{step} before {name}"
        if step.action is Action.START and workload is not None:
            held = {port.number for port in workload.ports if port.published and not port.shared}
            for item in self.observed.instances:
                if item.health is not Health.EXITED:
                    assert not held.intersection(item.ports), f"{step} while {item.id} holds its port"
        if step.action is Action.STOP and workload is None:
            self._check_removal(step)

    def _check_removal(self, step: Step) -> None:
        doomed = next(item for item in self.observed.instances if item.id == step.instance)
        for workload in self.blueprint.workloads:
            if {port.number for port in workload.ports if port.published and not port.shared} & set(doomed.ports):
                return
        for workload in self.blueprint.workloads:
            served = is_served(workload, self.observed)
            assert served or not workload.replicas, f"{step} before {workload.name}"
