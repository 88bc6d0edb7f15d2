"""The planner, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.blueprint.workload import Blueprint, Kind, Port, Secret, Update, Workload
from controller.engine.forecast import forecast
from controller.engine.model import Action, Health, Instance, JobRun, Observed, Plan
from controller.engine.planner import plan

NOW = 1000.0
VALKEY = Workload("valkey", Kind.STORE, "valkey", update=Update.STOP_FIRST)
MIGRATION = Workload("migration", Kind.JOB, "chat:1")
GATEWAY = Workload(
    "gateway",
    Kind.SERVICE,
    "chat:1",
    replicas=2,
    depends_on=("valkey", "migration"),
    ports=(Port("http", 9000, published=True, shared=True),),
)
SYSTEM = Blueprint("acme", (VALKEY, MIGRATION, GATEWAY), (Secret("valkey", ("password",)),))
SECRETS = {"valkey": ("password",)}
MIGRATED = JobRun("migration", MIGRATION.digest, True)


def instance(workload: Workload, index: int = 0, health: Health = Health.HEALTHY, **changes: object) -> Instance:
    made = Instance(f"{workload.name}-{index}", workload.name, index, workload.digest, health)
    return replace(made, **changes)  # type: ignore[arg-type]


def running(*instances: Instance, job: JobRun | None = MIGRATED) -> Observed:
    return Observed(instances, (job,) if job else (), SECRETS)


def actions(current: Plan) -> list[tuple[str, str, int]]:
    return [(step.action.value, step.workload, step.index) for step in current.actions]


def test_nothing_there_makes_secrets_stores_and_the_migration_and_waits_with_the_services() -> None:
    current = plan(SYSTEM, Observed(), NOW)
    assert actions(current) == [
        ("create-secret", "valkey", 0),
        ("start", "valkey", 0),
        ("run-job", "migration", 0),
    ]
    assert [step.reason for step in current.waits] == ["gateway waits for valkey"]


def test_services_start_once_stores_are_healthy_and_the_migration_succeeded() -> None:
    assert actions(plan(SYSTEM, running(instance(VALKEY)), NOW)) == [("start", "gateway", 0), ("start", "gateway", 1)]


@pytest.mark.parametrize(
    "observed",
    [
        running(instance(VALKEY, health=Health.STARTING)),
        running(instance(VALKEY, health=Health.UNREADY)),
        running(instance(VALKEY), job=JobRun("migration", MIGRATION.digest, None)),
        running(instance(VALKEY), job=JobRun("migration", MIGRATION.digest, False, retry_at=NOW + 5)),
        running(instance(VALKEY), job=JobRun("migration", "older", None)),
    ],
)
def test_services_wait_for_what_they_need(observed: Observed) -> None:
    current = plan(SYSTEM, observed, NOW)
    assert actions(current) == []
    assert current.waits


def test_a_converged_system_gives_an_empty_plan() -> None:
    assert plan(SYSTEM, running(instance(VALKEY), instance(GATEWAY, 0), instance(GATEWAY, 1)), NOW).empty


def test_a_failed_migration_is_tried_again_after_its_back_off() -> None:
    failed = running(instance(VALKEY), job=JobRun("migration", MIGRATION.digest, False, retry_at=NOW + 5))
    assert plan(SYSTEM, failed, NOW).wake_at == NOW + 5
    assert actions(plan(SYSTEM, failed, NOW + 5)) == [("run-job", "migration", 0)]


def test_a_dead_replica_is_restarted_in_its_slot_once_its_back_off_is_over() -> None:
    dead = instance(GATEWAY, 1, Health.EXITED, retry_at=NOW + 2)
    observed = running(instance(VALKEY), instance(GATEWAY, 0), dead)
    assert actions(plan(SYSTEM, observed, NOW)) == []
    assert actions(plan(SYSTEM, observed, NOW + 2)) == [("restart", "gateway", 1)]


def test_a_dead_replica_waits_while_what_it_needs_is_down() -> None:
    observed = running(
        instance(VALKEY, health=Health.EXITED), instance(GATEWAY, 0), instance(GATEWAY, 1, Health.EXITED)
    )
    assert actions(plan(SYSTEM, observed, NOW)) == [("restart", "valkey", 0)]


def test_a_hung_replica_is_restarted_and_an_unready_one_is_left_alone() -> None:
    observed = running(instance(VALKEY), instance(GATEWAY, 0, Health.FAILED), instance(GATEWAY, 1, Health.UNREADY))
    assert actions(plan(SYSTEM, observed, NOW)) == [("restart", "gateway", 0)]


def test_scaling_down_takes_the_unhealthy_then_the_highest_slots() -> None:
    observed = running(
        instance(VALKEY), *(instance(GATEWAY, slot) for slot in (0, 2, 3)), instance(GATEWAY, 1, Health.STARTING)
    )
    assert actions(plan(SYSTEM, observed, NOW)) == [("stop", "gateway", 1), ("stop", "gateway", 3)]


def test_a_replacement_starts_before_it_stops_and_one_at_a_time() -> None:
    old = [instance(GATEWAY, slot, digest="old", id=f"old-{slot}") for slot in (0, 1)]
    first = plan(SYSTEM, running(instance(VALKEY), *old), NOW)
    assert actions(first) == [("start", "gateway", 0)]
    starting = instance(GATEWAY, 0, Health.STARTING)
    assert actions(plan(SYSTEM, running(instance(VALKEY), *old, starting), NOW)) == []
    healthy = instance(GATEWAY, 0)
    assert [s.instance for s in plan(SYSTEM, running(instance(VALKEY), *old, healthy), NOW).actions] == ["old-1"]


def test_a_store_is_stopped_before_its_successor_starts() -> None:
    old = instance(VALKEY, digest="old")
    gateways = (instance(GATEWAY, 0), instance(GATEWAY, 1))
    assert actions(plan(SYSTEM, running(old, *gateways), NOW)) == [("stop", "valkey", 0)]
    stopping = replace(old, health=Health.STOPPING)
    assert actions(plan(SYSTEM, running(stopping, *gateways), NOW)) == []
    assert actions(plan(SYSTEM, running(*gateways), NOW)) == [("start", "valkey", 0)]


def test_what_is_not_desired_is_removed_last() -> None:
    stranger = Instance("services-0", "services", 0, "x", Health.HEALTHY)
    unfinished = running(instance(VALKEY), instance(GATEWAY, 0), instance(GATEWAY, 1, Health.STARTING), stranger)
    assert actions(plan(SYSTEM, unfinished, NOW)) == []
    done = running(instance(VALKEY), instance(GATEWAY, 0), instance(GATEWAY, 1), stranger)
    assert actions(plan(SYSTEM, done, NOW)) == [("stop", "services", 0)]


def test_a_port_that_cannot_be_shared_is_freed_before_the_start() -> None:
    exclusive = replace(GATEWAY, replicas=1, ports=(Port("http", 9000, published=True),))
    system = replace(SYSTEM, workloads=(VALKEY, MIGRATION, exclusive))
    holder = Instance("services-0", "services", 0, "x", Health.HEALTHY, ports=(9000,))
    assert actions(plan(system, running(instance(VALKEY), holder), NOW)) == [("stop", "services", 0)]


def test_deleting_stops_the_last_in_dependency_order_first() -> None:
    observed = running(instance(VALKEY, order=0), instance(GATEWAY, 0, order=2), instance(GATEWAY, 1, order=2))
    assert actions(plan(Blueprint("acme"), observed, NOW)) == [("stop", "gateway", 0), ("stop", "gateway", 1)]


def test_leftovers_of_what_is_not_desired_are_forgotten_in_the_end() -> None:
    observed = Observed(leftovers=("services", "valkey"))
    assert actions(plan(Blueprint("acme"), observed, NOW)) == [("forget", "services", 0), ("forget", "valkey", 0)]


def test_a_suspended_system_stops_and_does_not_migrate() -> None:
    idle = replace(SYSTEM, workloads=tuple(replace(item, replicas=0) for item in SYSTEM.workloads))
    assert actions(plan(idle, running(instance(VALKEY), job=None), NOW)) == [("stop", "valkey", 0)]
    assert plan(idle, running(job=None), NOW).empty


def test_the_forecast_is_the_whole_way_in_order() -> None:
    steps = forecast(SYSTEM, Observed(), NOW)
    assert [(step.action, step.workload) for step in steps] == [
        (Action.CREATE_SECRET, "valkey"),
        (Action.START, "valkey"),
        (Action.RUN_JOB, "migration"),
        (Action.START, "gateway"),
        (Action.START, "gateway"),
    ]


def test_the_digest_ignores_what_only_the_controller_uses() -> None:
    assert replace(GATEWAY, replicas=5, stop_grace=1.0, log_max_files=9).digest == GATEWAY.digest
    assert replace(GATEWAY, image="chat:2").digest != GATEWAY.digest
