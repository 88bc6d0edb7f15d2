"""A simulated platform that keeps replicas itself, for the planner's laws: objects with the version that was applied, which
it makes ready in its own time. It checks the order at each step."""

from __future__ import annotations

from hypothesis import strategies as st

from controller.blueprint.workload import Blueprint, Kind, Secret, Workload
from controller.engine.model import Action, Group, JobRun, Observed, Standing, Step

NAMES = ("foundation", "mysql", "redis", "migration", "user", "gateway", "edge")
FRAME = ("foundation", "edge")
Key = tuple[str, str]
"""Group and object. Each group's instances are those of its object `main`."""
TAMPERED = "tampered"


class GroupPlatform:
    """`desired` and `objects`: what is declared and what is there, each with its version."""

    def __init__(self, blueprint: Blueprint, desired: dict[Key, str], objects: dict[Key, str]) -> None:
        self.blueprint = blueprint
        self.desired = desired
        self.objects = dict(objects)
        self.unready = {name for name, _ in objects}
        self.leaving: set[Key] = set()
        self.jobs: dict[str, JobRun] = {}
        self.secrets: dict[str, tuple[str, ...]] = {}
        self.written: set[Key] = set()

    def become(self, blueprint: Blueprint, desired: dict[Key, str]) -> None:
        self.blueprint, self.desired = blueprint, desired

    def observe(self) -> Observed:
        names = [name for name in NAMES if any(key[0] == name for key in {*self.desired, *self.objects})]
        return Observed((), tuple(self.jobs.values()), self.secrets, groups=tuple(map(self._group, names)))

    def _group(self, name: str) -> Group:
        wanted = {key: version for key, version in self.desired.items() if key[0] == name}
        there = {key: version for key, version in self.objects.items() if key[0] == name}
        surplus = tuple(sorted(key[1] for key in there if key not in wanted and key not in self.leaving))
        if not wanted:
            return Group(name, NAMES.index(name), Standing.UNWANTED, surplus=surplus)
        standing = Standing.APPLIED
        if any(there.get(key) in (None, TAMPERED) for key in wanted):
            standing = Standing.DRIFTED
        if any(there.get(key, version) not in (version, TAMPERED) for key, version in wanted.items()):
            standing = Standing.OUTDATED
        if (name, "main") not in there:
            standing = Standing.MISSING
        ready = name not in self.unready and (name, "main") in there
        return Group(name, NAMES.index(name), standing, served=ready, ready=ready, surplus=surplus)

    def execute(self, step: Step) -> None:
        name = step.workload
        wanted = {key: version for key, version in self.desired.items() if key[0] == name}
        match step.action:
            case Action.CREATE_SECRET:
                self.secrets[name] = next(item.keys for item in self.blueprint.secrets if item.name == name)
            case Action.APPLY | Action.RUN_JOB:
                self._check_order(name)
                changed = {key for key, version in wanted.items() if self.objects.get(key) != version}
                self.written |= changed
                self.objects |= wanted
                if (name, "main") in changed:
                    self.unready.add(name)
                workload = self.blueprint.workload(name)
                if step.action is Action.RUN_JOB and workload is not None:
                    self.jobs[name] = JobRun(name, workload.digest, None)
            case Action.PRUNE:
                self._check_everything_is_ready()
                gone = {key for key in self.objects if key[0] == name and key not in wanted}
                if not wanted:
                    declared = {key[0] for key in self.desired}
                    later = {key[0] for key in self.objects if NAMES.index(key[0]) > NAMES.index(name)} - declared
                    assert not later, f"{name} goes before {later}"
                self.written |= gone
                self.leaving |= gone
            case _:
                raise AssertionError(f"{step.action} is not for this platform")

    def let_time_pass(self) -> None:
        self.unready.clear()
        self.objects = {key: version for key, version in self.objects.items() if key not in self.leaving}
        self.leaving.clear()
        self.jobs = {name: JobRun(name, run.digest, True) for name, run in self.jobs.items()}

    def tamper(self, number: int) -> None:
        """Someone changes an object, or removes it."""
        keys = sorted(self.objects)
        if keys:
            victim = keys[number % len(keys)]
            if number % 2:
                del self.objects[victim]
            else:
                self.objects[victim] = TAMPERED

    def _check_order(self, name: str) -> None:
        workload = self.blueprint.workload(name)
        fresh = (name, "main") not in self.objects
        if workload is None or not fresh:
            return
        for needed in (*workload.depends_on, *(key[0] for key in self.desired if key[0] == "foundation")):
            job = self.jobs.get(needed)
            kind = self.blueprint.workload(needed)
            if kind is not None and kind.kind is Kind.JOB:
                assert job is not None and job.succeeded, f"{name} before {needed}"
            else:
                assert (needed, "main") in self.objects, f"{name} before {needed}"
                assert needed in FRAME or needed not in self.unready, f"{name} before {needed}"

    def _check_everything_is_ready(self) -> None:
        assert self.as_declared(), f"something is removed, but there is {self.objects} and declared is {self.desired}"
        assert not self.unready & {key[0] for key in self.desired}

    def as_declared(self) -> bool:
        """Whether everything declared is there as declared. Of a job only the run matters, not what it was made from."""
        jobs = {item.name for item in self.blueprint.workloads if item.kind is Kind.JOB}
        lasting = {key: version for key, version in self.desired.items() if key[0] not in jobs}
        done = all((run := self.jobs.get(name)) is not None and run.succeeded for name in jobs)
        return done and lasting.items() <= self.objects.items()

    def has_nothing_else(self) -> bool:
        return self.objects.keys() <= self.desired.keys()


@st.composite
def group_worlds(draw: st.DrawFn) -> GroupPlatform:
    """A declaration, and any objects that may be there when the controller comes."""
    versions = st.sampled_from(["one", "two"])
    workloads: list[Workload] = []
    desired: dict[Key, str] = {}
    for name in NAMES:
        if not draw(st.booleans()):
            continue
        desired[name, "main"] = draw(versions)
        for extra in draw(st.sets(st.sampled_from(["config", "service"]))):
            desired[name, extra] = draw(versions)
        if name in FRAME:
            continue
        kind = Kind.JOB if name == "migration" else Kind.STORE if name in {"mysql", "redis"} else Kind.SERVICE
        earlier = [item.name for item in workloads]
        needed = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        workloads.append(Workload(name, kind, desired[name, "main"], depends_on=tuple(needed)))
    objects = {
        (name, part): draw(st.sampled_from(["one", "two", "old", TAMPERED]))
        for name in NAMES
        for part in draw(st.sets(st.sampled_from(["main", "config", "service", "old-config"])))
    }
    secrets = tuple(Secret(name, ("password",)) for name in draw(st.sets(st.sampled_from(["mysql", "rpc"]))))
    return GroupPlatform(Blueprint("acme", tuple(workloads), secrets), desired, objects)
