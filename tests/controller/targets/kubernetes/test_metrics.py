"""What the controller tells Prometheus: systems as they stand, at the leader alone, and times that begin with what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.engine.observer import Ending
from controller.engine.reasons import Reason
from controller.targets.kubernetes.health import HealthServer, Vitals
from controller.targets.kubernetes.metrics import Metrics, Reading
from tests.testbed.process import free_ports


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.reading = Reading(leads=True, waiting=0, unsynced=0.0, restarts={})
        self.metrics = Metrics("1.2.0", lambda: self.reading, lambda: self.now)

    def value(self, name: str, **labels: str) -> float | None:
        return find(self.metrics.text().decode(), name, labels)


def find(text: str, name: str, labels: Mapping[str, str]) -> float | None:
    return next(
        (
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ),
        None,
    )


def status(ready: str, reason: str = Reason.CONVERGED) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": ready, "reason": reason}]}


@pytest.fixture
def world() -> World:
    return World()


def test_systems_are_counted_by_condition(world: World) -> None:
    world.metrics.reported("a", status("True"))
    world.metrics.reported("b", status("True"))
    world.metrics.reported("c", status("False", Reason.CRASH_LOOP))
    assert world.value("chatsystem_controller_systems", condition="Ready", status="True") == 2
    assert world.value("chatsystem_controller_systems", condition="Ready", status="False") == 1
    assert world.value("chatsystem_controller_system_ready", system="a") == 1
    assert world.value("chatsystem_controller_system_ready", system="c") == 0


@pytest.mark.parametrize("reason", [Reason.SUSPENDED, Reason.DELETING, Reason.PAUSED])
def test_a_system_that_a_person_wants_like_that_is_not_one_that_is_not_ready(world: World, reason: str) -> None:
    world.metrics.reported("a", status("False", reason))
    assert world.value("chatsystem_controller_system_ready", system="a") is None
    assert world.value("chatsystem_controller_systems", condition="Ready", status="False") == 1


def test_a_system_fails_until_a_pass_does_not(world: World) -> None:
    for ending in (Ending.FAILED, Ending.CRASHED):
        world.metrics.passed("a", ending, 0.1)
        assert world.value("chatsystem_controller_system_failing", system="a") == 1
    world.metrics.passed("a", Ending.AGAIN, 0.1)
    assert world.value("chatsystem_controller_system_failing", system="a") is None
    assert world.value("chatsystem_controller_passes_total", result="failed") == 1
    assert world.value("chatsystem_controller_pass_seconds_count") == 3


def test_a_system_that_is_gone_has_no_series(world: World) -> None:
    world.metrics.heard("a")
    world.metrics.reported("a", status("False"))
    world.metrics.passed("a", Ending.FAILED, 0.1)
    world.metrics.forgotten("a")
    assert '"a"' not in world.metrics.text().decode()


def test_a_controller_that_leads_no_more_says_nothing_of_systems(world: World) -> None:
    world.metrics.reported("a", status("False"))
    world.metrics.passed("b", Ending.FAILED, 0.1)
    world.metrics.resigned()
    assert "system=" not in world.metrics.text().decode()


def test_reaction_and_convergence_begin_with_what_was_heard(world: World) -> None:
    world.metrics.heard("a")
    world.now += 0.5
    world.metrics.reported("a", status("False"))
    world.metrics.passed("a", Ending.AGAIN, 0.2)
    assert world.value("chatsystem_controller_reaction_seconds_sum") == 0.5
    assert world.value("chatsystem_controller_convergence_seconds_count") == 0
    world.now += 9.5
    world.metrics.reported("a", status("True"))
    world.metrics.passed("a", Ending.SETTLED, 0.2)
    assert world.value("chatsystem_controller_convergence_seconds_sum") == 10.0
    world.metrics.passed("a", Ending.SETTLED, 0.2)
    assert world.value("chatsystem_controller_reaction_seconds_count") == 1
    assert world.value("chatsystem_controller_convergence_seconds_count") == 1


def test_a_pass_that_had_begun_before_a_change_was_heard_did_not_apply_it(world: World) -> None:
    world.metrics.heard("a")
    world.metrics.reported("a", status("True"))
    world.now += 0.5
    world.metrics.passed("a", Ending.SETTLED, 2.0)
    assert world.value("chatsystem_controller_reaction_seconds_count") == 0


def test_writes_by_verb_kind_and_result(world: World) -> None:
    world.metrics.wrote("apply", "Deployment", "ok")
    world.metrics.wrote("apply", "Deployment", "refused")
    assert world.value("chatsystem_controller_writes_total", verb="apply", kind="Deployment", result="ok") == 1


async def test_metrics_are_served_beside_the_probes_as_they_are_when_asked(world: World) -> None:
    [port] = free_ports(1)
    server = HealthServer(lambda: Vitals(0.0, 0.0, 0.0), world.metrics.text, "127.0.0.1", port)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(30):
            for leads in (True, False):
                world.reading = Reading(leads, waiting=7, unsynced=3.0, restarts={"Pod": 2})
                answer = await session.get(f"http://127.0.0.1:{port}/metrics")
                text = await answer.text()
                assert answer.headers["Content-Type"].startswith("text/plain; version=")
                assert find(text, "chatsystem_controller_leader", {}) == leads
                assert find(text, "chatsystem_controller_queue_waiting", {}) == 7
                assert find(text, "chatsystem_controller_unsynced_seconds", {}) == 3
                assert find(text, "chatsystem_controller_watch_restarts_total", {"kind": "Pod"}) == 2
    finally:
        await server.stop()
