"""The planner's laws, over generated blueprints and any state a platform may be found in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.blueprint.workload import Blueprint
from controller.engine.model import Action, Health, Observed
from controller.engine.planner import plan
from tests.testbed.worlds import NOW, Platform, blueprints, observations

PASSES = 200


@st.composite
def worlds(draw: st.DrawFn) -> Platform:
    blueprint = draw(blueprints())
    return Platform(blueprint, draw(observations(blueprint)))


def converge(platform: Platform, now: float = NOW) -> float:
    """Runs passes until the plan is empty."""
    for _ in range(PASSES):
        current = plan(platform.blueprint, platform.observed, now)
        if current.empty:
            return now
        now = max(now, current.wake_at or now)
        for step in current.actions:
            platform.execute(step, now)
        platform.let_time_pass()
    raise AssertionError(f"not converged: {plan(platform.blueprint, platform.observed, now)}")


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_every_state_converges_in_order_and_a_second_plan_is_empty(platform: Platform) -> None:
    now = converge(platform)
    assert plan(platform.blueprint, platform.observed, now).empty


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_what_converges_is_what_was_desired(platform: Platform) -> None:
    converge(platform)
    desired = {
        (workload.name, workload.digest): workload.replicas
        for workload in platform.blueprint.workloads
        if workload.replicas and workload.name != "migrate"
    }
    running: dict[tuple[str, str], int] = {}
    for item in platform.observed.instances:
        assert item.health is Health.HEALTHY
        key = (item.workload, item.digest)
        running[key] = running.get(key, 0) + 1
    assert running == desired


@given(worlds(), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20), st.booleans()), max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_crash_at_any_step_of_any_plan_converges(platform: Platform, crashes: list[tuple[int, int, bool]]) -> None:
    now = NOW
    for cut, victim, rests in crashes:
        current = plan(platform.blueprint, platform.observed, now)
        now = max(now, current.wake_at or now)
        for step in current.actions[:cut]:
            platform.execute(step, now)
        platform.kill(victim)
        if rests:
            platform.let_time_pass()
    converge(platform, now)


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_as_desired_is_touched(platform: Platform) -> None:
    converge(platform)
    before = platform.observed
    bystander = "bystander"
    grown = Blueprint("acme", (*platform.blueprint.workloads,), platform.blueprint.secrets)
    platform.blueprint = grown
    converge(platform)
    assert platform.observed == before
    assert all(item.workload != bystander for item in platform.observed.instances)


@given(st.data(), blueprints(), blueprints())
@settings(max_examples=100, deadline=None)
def test_a_change_of_the_declaration_leaves_what_is_the_same_running(
    data: st.DataObject, before: Blueprint, after: Blueprint
) -> None:
    platform = Platform(before, Observed())
    now = converge(platform)
    unchanged = {
        item.id
        for item in platform.observed.instances
        if (workload := after.workload(item.workload)) is not None
        and workload.digest == item.digest
        and item.index < workload.replicas
    }
    platform.blueprint = after
    converge(platform, now)
    assert unchanged <= {item.id for item in platform.observed.instances}


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_removal_comes_after_everything_desired_is_served(platform: Platform) -> None:
    current = plan(platform.blueprint, platform.observed, NOW)
    if any(step.action is Action.FORGET for step in current.steps):
        assert all(step.action in {Action.FORGET, Action.STOP} for step in current.steps)


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_a_start_first_replacement_never_leaves_fewer_healthy_than_desired(platform: Platform) -> None:
    now = converge(platform)
    changed = tuple(
        workload.__class__(**{**workload.__dict__, "image": "three"}) for workload in platform.blueprint.workloads
    )
    watched = [item for item in changed if item.update == "start-first" and not any(not p.shared for p in item.ports)]
    platform.blueprint = Blueprint("acme", changed, platform.blueprint.secrets)
    for _ in range(PASSES):
        current = plan(platform.blueprint, platform.observed, now)
        for step in current.actions:
            platform.execute(step, now)
            for workload in watched:
                if workload.name != "migrate":
                    healthy = [item for item in platform.of(workload.name) if item.health is Health.HEALTHY]
                    assert len(healthy) >= workload.replicas
        platform.let_time_pass()
        if current.empty:
            return
    raise AssertionError("not converged")
