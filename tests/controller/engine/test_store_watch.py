"""External stores are looked at beside the loop: what they lack holds up starts, and touches nothing that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from controller.engine.backoff import Backoff
from controller.engine.loop import Loop, Pace
from controller.engine.model import Action
from controller.engine.ports import TargetError
from controller.targets.local.layout import StateDir
from controller.targets.local.store import LocalStore
from tests.testbed.local_system import eventually
from tests.testbed.simulated_target import SimulatedTarget
from tests.testbed.store_checks import finding, line

WRONG = line("mysql", finding())
GOOD = line("mysql")
EXTERNAL = {"mysql": "db:3306"}


class World:
    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(StateDir(folder))
        self.target = SimulatedTarget()
        self.target.secrets["acme"] = {"mysql": ("password",), "redis": ("password",)}
        self.target.checks["acme"] = GOOD

    async def declare(self, **spec: Any) -> None:
        await self.store.put({"metadata": {"name": "acme"}, "spec": {"version": "1", **spec}}, author="ann")

    async def status(self) -> dict[str, Any]:
        stored = await self.store.get("acme")
        return dict(stored.status) if stored else {}

    async def condition(self, kind: str) -> dict[str, Any]:
        found = [item for item in (await self.status()).get("conditions", ()) if item["type"] == kind]
        return found[0] if found else {}

    async def until(self, kind: str, status: str, reason: str = "") -> None:
        async def arrived() -> bool:
            found = await self.condition(kind)
            return found.get("status") == status and reason in {"", found["reason"]}

        await eventually(arrived)

    def started(self) -> list[str]:
        return [step.workload for _, step in self.target.done if step.action is Action.START]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def running(world: World) -> AsyncIterator[Callable[..., None]]:
    tasks: list[asyncio.Task[None]] = []

    def run(*, stores: float = 0.02) -> None:
        quick = Backoff(first=0.01, limit=0.05)
        pace = Pace(waiting=0.01, resync=60.0, contended=0.05, retry=quick, stores=stores, stores_retry=quick)
        tasks.append(asyncio.create_task(Loop(world.store, world.target, pace=pace).run()))

    yield run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert world.target.checking == 0


async def test_nothing_starts_before_the_stores_have_been_looked_at(world: World, running: Callable[..., None]) -> None:
    world.target.let_checks_end.clear()
    await world.declare(external=EXTERNAL)
    running()
    await world.until("StoresReady", "Unknown", "Progressing")
    assert "waits for the first check of spec.stores.mysql.external" in (await world.condition("Ready"))["message"]
    assert world.started() == []
    world.target.let_checks_end.set()
    await world.until("Ready", "True")
    assert (await world.condition("StoresReady"))["reason"] == "Healthy"


async def test_nothing_starts_on_a_store_with_an_error_until_it_is_right(
    world: World, running: Callable[..., None]
) -> None:
    world.target.checks["acme"] = WRONG
    await world.declare(external=EXTERNAL)
    running()
    await world.until("StoresReady", "False", "StoreAccessDenied")
    await world.until("Stalled", "True", "StoreAccessDenied")
    status = await world.status()
    assert status["lastError"] == "spec.stores.mysql.external.secretName: it refuses the password; correct it"
    row = next(item for item in status["components"] if item["name"] == "mysql")
    assert (row["ready"], row["desired"], row["message"]) == (0, 1, status["lastError"])
    assert world.started() == []
    world.target.checks["acme"] = GOOD
    await world.until("Ready", "True")
    reasons = [event.reason for event in await world.store.events("acme")]
    assert reasons.count("StoreAccessDenied") == 2  # of StoresReady and of Stalled
    assert reasons.count("StoresReady") == 1


async def test_what_runs_is_left_alone_when_a_new_declaration_names_a_store_that_cannot_be_used(
    world: World, running: Callable[..., None]
) -> None:
    await world.declare()
    running()
    await world.until("Ready", "True")
    before, done = world.target.platforms["acme"].observed, list(world.target.done)
    world.target.checks["acme"] = WRONG
    await world.declare(version="2", external=EXTERNAL)
    await world.until("Stalled", "True", "StoreAccessDenied")
    assert world.target.platforms["acme"].observed == before
    assert world.target.done == done
    assert (await world.condition("Available"))["status"] == "True"


async def test_a_store_that_fails_later_is_said_and_changes_nothing(world: World, running: Callable[..., None]) -> None:
    await world.declare(external=EXTERNAL)
    running()
    await world.until("StoresReady", "True")
    await world.until("Ready", "True")
    done = list(world.target.done)
    world.target.checks["acme"] = line("mysql", finding("StoreUnreachable"))
    await world.until("StoresReady", "False", "StoreUnreachable")
    assert world.target.done == done
    assert (await world.condition("Ready"))["status"] == "True"


async def test_a_failure_that_passes_at_once_is_not_told(world: World, running: Callable[..., None]) -> None:
    await world.declare(external=EXTERNAL)
    running(stores=0.01)
    await world.until("Ready", "True")
    answers = iter([line("mysql", finding("StoreUnreachable"))])
    checks = len(world.target.checked)

    class Once(dict[str, Any]):
        def __getitem__(self, _: str) -> str:
            return next(answers, GOOD)

    world.target.checks = Once()

    async def looked_again() -> bool:
        return len(world.target.checked) > checks + 4

    await eventually(looked_again)
    assert "StoreUnreachable" not in [event.reason for event in await world.store.events("acme")]


async def test_a_warning_is_said_and_holds_nothing_up(world: World, running: Callable[..., None]) -> None:
    world.target.checks["acme"] = line("mysql", finding("StoreMisconfigured", "warning"))
    await world.declare(external=EXTERNAL)
    running()
    await world.until("Ready", "True")
    await world.until("StoresReady", "True", "StoreMisconfigured")
    assert "StoreMisconfigured" in [event.reason for event in await world.store.events("acme")]


async def test_a_check_that_cannot_be_carried_out_is_said_and_holds_nothing_up(
    world: World, running: Callable[..., None]
) -> None:
    world.target.checks["acme"] = TargetError("there is no room for it")
    await world.declare(external=EXTERNAL)
    running()
    await world.until("Ready", "True")
    found = await world.condition("StoresReady")
    assert (found["status"], found["reason"]) == ("Unknown", "StoreCheckFailed")
    assert "there is no room for it" in found["message"]


async def test_a_missing_secret_is_said_with_its_keys_and_the_other_stores_are_checked(
    world: World, running: Callable[..., None]
) -> None:
    world.target.secrets["acme"] = {"redis": ("password",)}
    world.target.checks["acme"] = line("redis")
    await world.declare(external={"mysql": "db:3306", "redis": "cache:6379"})
    running()
    await world.until("StoresReady", "False", "SecretMissing")
    message = (await world.condition("StoresReady"))["message"]
    assert message == ("spec.stores.mysql.external: the secret mysql lacks the key password; give mysql password")
    assert {item.arguments[-1] for _, item in world.target.checked} == {"redis"}
    world.target.secrets["acme"] = {"redis": ("password",), "mysql": ("password",)}
    world.target.checks["acme"] = f"{line('redis')}\n{GOOD}"
    await world.declare(external={"mysql": "db:3306", "redis": "cache:6379"}, again=True)
    await world.until("Ready", "True")


async def test_a_changed_declaration_is_checked_at_once_and_the_check_under_way_is_given_up(
    world: World, running: Callable[..., None]
) -> None:
    world.target.let_checks_end.clear()
    await world.declare(external=EXTERNAL)
    running(stores=3600.0)

    async def begun() -> bool:
        return world.target.checking == 1

    await eventually(begun)
    await world.declare(external={"mysql": "other:3306"})

    async def anew() -> bool:
        return world.target.checked[-1][1].environment == {"ADDRESS": "other:3306"}

    await eventually(anew)
    world.target.let_checks_end.set()
    await world.until("Ready", "True")
    checks = len(world.target.checked)
    await world.declare(external={"mysql": "third:3306"})

    async def third() -> bool:
        return len(world.target.checked) == checks + 1

    await eventually(third)


async def test_a_deleted_system_is_not_looked_at_any_more(world: World, running: Callable[..., None]) -> None:
    await world.declare(external=EXTERNAL)
    running()
    await world.until("Ready", "True")
    world.target.let_checks_end.clear()
    await world.store.mark_deleted("acme")

    async def gone() -> bool:
        return await world.store.get("acme") is None and world.target.checking == 0

    await eventually(gone)
