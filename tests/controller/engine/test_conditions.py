"""Conditions, status, history and events, on plain data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.api.status import ChatSystemStatus
from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.engine import events, history
from controller.engine.conditions import conditions_of
from controller.engine.model import Action, Health, Instance, JobRun, Observed, Plan, Revision, Step, Verdict
from controller.engine.situation import Situation, Trouble
from controller.engine.status import status_of

GATEWAY = Workload("services", Kind.SERVICE, "chat:1", version="1", components=("user", "gateway"))
MIGRATION = Workload("migration", Kind.JOB, "chat:1", components=("migration",))
BLUEPRINT = Blueprint("acme", (MIGRATION, GATEWAY))
UP = Instance("i", "services", 0, GATEWAY.digest, Health.HEALTHY, ("user", "gateway"), "1")
DOCUMENT: dict[str, Any] = {"spec": {"version": "1"}}
MIGRATED = JobRun("migration", MIGRATION.digest, True)
WAITING = Plan((Step(Action.WAIT, "services", reason="waits until i is ready"),))


def situation(**changes: Any) -> Situation:
    base = Situation(3, DOCUMENT, BLUEPRINT, Observed((UP,), (MIGRATED,)))
    return replace(base, **changes)


def states(found: Situation) -> dict[str, tuple[str, str]]:
    return {item.type: (item.status, str(item.reason)) for item in conditions_of(found)}


def test_a_converged_system_is_ready_and_available() -> None:
    found = states(situation())
    assert found["Ready"] == ("True", "Converged")
    assert found["Reconciling"] == ("False", "Converged")
    assert found["Stalled"][0] == "False"
    assert found["Available"] == ("True", "Healthy")
    assert found["BackedUp"] == ("Unknown", "NotConfigured")


@pytest.mark.parametrize(
    ("changes", "condition", "expected"),
    [
        ({"plan": WAITING}, "Ready", ("False", "Progressing")),
        ({"plan": WAITING}, "Reconciling", ("True", "Progressing")),
        ({"plan": WAITING}, "Stalled", ("False", "Progressing")),
        ({"plan": WAITING, "overdue": True}, "Stalled", ("True", "DeadlineExceeded")),
        ({"paused": True}, "Reconciling", ("False", "Paused")),
        ({"problems": ("spec.version: is required",)}, "Stalled", ("True", "InvalidSpec")),
        ({"problems": ("spec.version: is required",)}, "Ready", ("False", "InvalidSpec")),
        ({"errors": (Trouble("PortTaken", "port 9000"),)}, "Stalled", ("True", "PortTaken")),
        ({"deleting": True, "plan": WAITING}, "Ready", ("False", "Deleting")),
        ({"stopped": True}, "Ready", ("False", "Stopped")),
        ({"stopped": True}, "Available", ("False", "Stopped")),
        ({"document": {"spec": {"suspend": True}}}, "Ready", ("False", "Suspended")),
        ({"document": {"spec": {"backup": {"schedule": "0 3 * * *"}}}}, "BackedUp", ("Unknown", "NotAvailable")),
        ({"observed": Observed()}, "Available", ("False", "Unhealthy")),
    ],
)
def test_conditions(changes: dict[str, Any], condition: str, expected: tuple[str, str]) -> None:
    assert states(situation(**changes))[condition] == expected


@pytest.mark.parametrize(
    ("health", "restarts", "stalled"),
    [
        (Health.EXITED, 1, ("False", "Progressing")),
        (Health.EXITED, 3, ("True", "CrashLoop")),
        (Health.STARTING, 3, ("True", "CrashLoop")),
        (Health.FAILED, 0, ("True", "NotResponding")),
        (Health.UNREADY, 0, ("False", "Progressing")),
    ],
)
def test_only_what_waiting_will_not_mend_stalls(health: Health, restarts: int, stalled: tuple[str, str]) -> None:
    sick = replace(UP, health=health, restarts=restarts, message="exit code 1")
    assert states(situation(observed=Observed((sick,), (MIGRATED,)), plan=WAITING))["Stalled"] == stalled


def test_an_older_instance_keeps_the_system_available_while_a_new_one_starts() -> None:
    old = replace(UP, digest="old")
    new = replace(UP, id="n", health=Health.STARTING)
    assert states(situation(observed=Observed((old, new)), plan=WAITING))["Available"] == ("True", "Healthy")


def test_a_failed_migration_is_named_with_its_last_words() -> None:
    failed = JobRun("migration", MIGRATION.digest, False, 2, message="exit code 1; its last output: no space")
    found = status_of(situation(observed=Observed((UP,), (failed,)), plan=WAITING), 0.0)
    assert "migration failed (attempt 2)" in found["lastError"]
    assert "no space" in found["lastError"]


def test_the_status_is_what_the_api_describes() -> None:
    parsed = ChatSystemStatus.model_validate_json(__import__("json").dumps(status_of(situation(), 1e9)))
    assert parsed.phase == "Running"
    assert [(item.name, item.ready) for item in parsed.components] == [("migration", 1), ("user", 1), ("gateway", 1)]
    assert parsed.version == "1"
    assert parsed.gateway_replicas == 1


def test_equal_situations_give_equal_status_at_any_time() -> None:
    first = status_of(situation(), 1e9)
    assert status_of(situation(previous=first), 2e9) == first


def test_a_transition_time_moves_when_the_status_of_the_condition_does() -> None:
    first = status_of(situation(), 1e9)
    second = status_of(situation(previous=first, plan=WAITING), 2e9)
    times = {item["type"]: item["lastTransitionTime"] for item in second["conditions"]}
    assert times["Ready"] != times["Available"]


def test_a_generation_is_recorded_once_and_supersedes_one_that_was_on_its_way() -> None:
    first = history.accept([], {"spec": {"version": "1"}}, 1, "ann", 10.0)
    assert [item.number for item in first] == [1]
    assert history.accept(first, {"spec": {"version": "1"}}, 1, "ann", 20.0) == []
    before, after = history.accept(first, {"spec": {"version": "2"}}, 2, "bob", 30.0)
    assert (before.verdict, before.seconds) == (Verdict.SUPERSEDED, 20.0)
    assert (after.number, after.summary) == (2, "spec.version: 1 -> 2")


def test_a_verdict_is_given_once_and_a_failure_may_still_turn_out_well() -> None:
    pending = Revision(1, 1, 10.0, "ann", {}, "")
    failed = history.judge(pending, converged=False, failure="port taken", now=12.0)
    assert (failed.verdict, failed.message) == (Verdict.FAILED, "port taken")
    good = history.judge(failed, converged=True, failure="", now=15.0)
    assert (good.verdict, good.seconds) == (Verdict.RELEASED, 5.0)
    assert history.judge(good, converged=False, failure="later trouble", now=99.0) == good


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({}, {}, "nothing in the spec"),
        ({"a": 1}, {}, "spec.a: 1 removed"),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": [2]}}, "spec.a.c: [2] added"),
    ],
)
def test_differences_are_told_by_path(before: dict[str, Any], after: dict[str, Any], text: str) -> None:
    assert history.differences(before, after) == text


def test_a_death_is_told_once() -> None:
    dead = Observed((replace(UP, health=Health.EXITED, message="exit code 1"),))
    (told,) = events.of_changes(dead, set(), 5.0)
    assert told[1] is not None
    assert told[1].message == "services-0: exit code 1"
    assert events.of_changes(dead, {told[0]}, 6.0) == []


def test_becoming_ready_and_stalling_are_events_and_staying_so_is_not() -> None:
    good = status_of(situation(), 1e9)
    bad = status_of(situation(errors=(Trouble("PortTaken", "port 9000"),)), 1e9)
    assert [(item.type, item.reason) for item in events.of_transitions({}, good, 1.0)] == [("Normal", "Converged")]
    assert [(item.type, item.reason) for item in events.of_transitions(good, bad, 1.0)] == [("Warning", "PortTaken")]
    assert events.of_transitions(bad, bad, 1.0) == []


def test_an_instance_that_is_kept_serves_what_its_workload_takes_on() -> None:
    """The Valkey of the local target becomes the registry too when the services get processes of their own."""
    before = replace(UP, components=("user",))
    found = situation(observed=Observed((before,), (MIGRATED,)))
    assert states(found)["Available"] == ("True", "Healthy")
    rows = {row["name"]: row["ready"] for row in status_of(found, 0.0)["components"]}
    assert rows["gateway"] == 1
