"""Plans for platforms that keep replicas themselves: cases, then the laws over any state such a platform may be found in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.blueprint.workload import Blueprint, Kind, Secret, Workload
from controller.engine.forecast import forecast
from controller.engine.model import Action, Group, JobRun, Observed, Plan, Standing
from controller.engine.planner import plan
from controller.engine.reasons import Reason
from controller.engine.situation import Situation, troubles
from tests.testbed.group_worlds import GroupPlatform, group_worlds

NOW = 1000.0
PASSES = 100
MYSQL = Workload("mysql", Kind.STORE, "mysql:8")
MIGRATION = Workload("migration", Kind.JOB, "chat:1", depends_on=("mysql",))
GATEWAY = Workload("gateway", Kind.SERVICE, "chat:1", replicas=2, depends_on=("mysql", "migration"))
SYSTEM = Blueprint("acme", (MYSQL, MIGRATION, GATEWAY), (Secret("mysql", ("password",)),))
MIGRATED = JobRun("migration", MIGRATION.digest, True)


def group(name: str, standing: Standing = Standing.APPLIED, **changes: object) -> Group:
    order = ("foundation", "mysql", "migration", "gateway", "edge", "speech").index(name)
    fine = standing in {Standing.APPLIED, Standing.DRIFTED}
    return replace(Group(name, order, standing, served=fine, ready=fine), **changes)  # type: ignore[arg-type]


def found(*changed: Group, job: JobRun | None = MIGRATED) -> Observed:
    """A converged system, but for the groups given."""
    groups = {name: group(name) for name in ("foundation", "mysql", "migration", "gateway", "edge")}
    groups |= {item.name: item for item in changed}
    return Observed((), (job,) if job else (), {"mysql": ("password",)}, groups=tuple(groups.values()))


def actions(current: Plan) -> list[tuple[str, str]]:
    return [(step.action.value, step.workload) for step in current.actions]


def test_what_is_in_place_and_ready_gives_an_empty_plan() -> None:
    assert plan(SYSTEM, found(), NOW).empty


def test_the_whole_way_from_nothing_is_in_order() -> None:
    nothing = [group(name, Standing.MISSING) for name in ("foundation", "mysql", "migration", "gateway", "edge")]
    observed = replace(found(*nothing, job=None), secrets={})
    assert [(step.action.value, step.workload) for step in forecast(SYSTEM, observed, NOW)] == [
        ("create-secret", "mysql"),
        ("apply", "foundation"),
        ("apply", "edge"),
        ("apply", "mysql"),
        ("run-job", "migration"),
        ("apply", "gateway"),
    ]


def test_a_group_waits_for_what_it_needs_and_says_so() -> None:
    current = plan(SYSTEM, found(group("mysql", served=False, ready=False), group("gateway", Standing.OUTDATED)), NOW)
    assert actions(current) == []
    assert [step.reason for step in current.waits] == ["waits until mysql is ready", "gateway waits for mysql"]


def test_drift_is_repaired_although_what_it_needs_is_down() -> None:
    changed = group("gateway", Standing.DRIFTED, details="Deployment acme-gateway: spec.replicas")
    current = plan(SYSTEM, found(group("mysql", served=False, ready=False), changed), NOW)
    assert [(step.action, step.reason) for step in current.actions] == [
        (Action.APPLY, "Deployment acme-gateway: spec.replicas")
    ]


def test_a_store_that_serves_with_fewer_replicas_than_wanted_holds_nothing_up() -> None:
    current = plan(SYSTEM, found(group("mysql", ready=False), group("gateway", Standing.MISSING)), NOW)
    assert actions(current) == [("apply", "gateway")]


def test_nothing_is_removed_before_everything_is_ready() -> None:
    old = (group("gateway", surplus=("ConfigMap acme-gateway-1",)), group("speech", Standing.UNWANTED, surplus=("x",)))
    assert actions(plan(SYSTEM, found(*old, group("mysql", ready=False)), NOW)) == []
    assert actions(plan(SYSTEM, found(*old), NOW)) == [("prune", "gateway"), ("prune", "speech")]


def test_undeclared_groups_go_one_at_a_time_from_the_last() -> None:
    def left(*gone: str) -> Observed:
        names = [name for name in ("foundation", "mysql", "gateway") if name not in gone]
        return Observed(groups=tuple(group(name, Standing.UNWANTED, surplus=("x",)) for name in names))

    assert actions(plan(Blueprint("acme"), left(), NOW)) == [("prune", "gateway")]
    assert actions(plan(Blueprint("acme"), left("gateway"), NOW)) == [("prune", "mysql")]
    leaving = Observed(
        groups=(group("mysql", Standing.UNWANTED), group("foundation", Standing.UNWANTED, surplus=("x",)))
    )
    current = plan(Blueprint("acme"), leaving, NOW)
    assert actions(current) == []
    assert current.waits


def test_a_failed_job_is_tried_again_after_its_back_off() -> None:
    failed = replace(MIGRATED, succeeded=False, retry_at=NOW + 5)
    assert plan(SYSTEM, found(job=failed), NOW).wake_at == NOW + 5
    assert actions(plan(SYSTEM, found(job=failed), NOW + 5)) == [("run-job", "migration")]


def test_what_the_platform_cannot_do_is_a_trouble_for_a_person() -> None:
    stuck = group("mysql", ready=False, reason=Reason.UNSCHEDULABLE, message="0/1 nodes are available")
    situation = Situation(1, {}, SYSTEM, found(stuck))
    assert [(item.reason, item.message, item.lasting) for item in troubles(situation)] == [
        ("Unschedulable", "mysql: 0/1 nodes are available", True)
    ]


def converge(platform: GroupPlatform) -> None:
    """Runs passes until the plan is empty."""
    for _ in range(PASSES):
        current = plan(platform.blueprint, platform.observe(), NOW)
        if current.empty:
            platform.let_time_pass()
            return
        for step in current.actions:
            platform.execute(step)
        platform.let_time_pass()
    raise AssertionError(f"not converged: {plan(platform.blueprint, platform.observe(), NOW)}")


@given(group_worlds())
@settings(max_examples=150, deadline=None)
def test_every_state_converges_to_what_is_declared_and_a_second_plan_is_empty(platform: GroupPlatform) -> None:
    converge(platform)
    assert plan(platform.blueprint, platform.observe(), NOW).empty
    assert platform.as_declared()
    assert platform.has_nothing_else()


@given(group_worlds(), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.booleans()), max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_crash_after_any_step_and_drift_at_any_time_converge(
    platform: GroupPlatform, crashes: list[tuple[int, int, bool]]
) -> None:
    for cut, victim, rests in crashes:
        for step in plan(platform.blueprint, platform.observe(), NOW).actions[:cut]:
            platform.execute(step)
        platform.tamper(victim)
        if rests:
            platform.let_time_pass()
    converge(platform)
    assert platform.as_declared()
    assert platform.has_nothing_else()


@given(group_worlds(), group_worlds())
@settings(max_examples=100, deadline=None)
def test_a_change_leaves_what_is_the_same_alone(before: GroupPlatform, after: GroupPlatform) -> None:
    converge(before)
    same = {key for key, version in before.desired.items() if after.desired.get(key) == version}
    before.become(after.blueprint, after.desired)
    before.written.clear()
    converge(before)
    assert not same & before.written


@pytest.mark.parametrize("standing", [Standing.MISSING, Standing.OUTDATED, Standing.DRIFTED])
def test_workloads_wait_for_the_groups_before_them(standing: Standing) -> None:
    current = plan(SYSTEM, found(group("foundation", standing), group("mysql", Standing.MISSING)), NOW)
    assert actions(current) == [("apply", "foundation")]
