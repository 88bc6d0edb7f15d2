"""The loop, on real files for the declarations and a simulated platform."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.engine.backoff import Backoff
from controller.engine.loop import Loop, Pace
from controller.engine.model import Action, Verdict
from controller.engine.observer import Ending, Unobserved
from controller.engine.ports import TargetError
from controller.targets.local.layout import StateDir
from controller.targets.local.store import LocalStore
from tests.testbed.simulated_target import SimulatedTarget

PACE = Pace(waiting=0.01, resync=60.0, contended=0.05, retry=Backoff(first=0.02, limit=0.1))


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


class World:
    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(StateDir(folder))
        self.target = SimulatedTarget()
        self.now = time.time()

    def loop(self, **options: Any) -> Loop:
        return Loop(self.store, self.target, pace=PACE, clock=lambda: self.now, **options)

    async def declare(self, name: str = "acme", **spec: Any) -> None:
        await self.store.put({"metadata": {"name": name}, "spec": {"version": "1", **spec}}, author="ann")

    async def status(self, name: str = "acme") -> dict[str, Any]:
        stored = await self.store.get(name)
        return dict(stored.status) if stored else {}

    async def condition(self, type_: str, name: str = "acme") -> tuple[str, str]:
        for item in (await self.status(name)).get("conditions", ()):
            if item["type"] == type_:
                return item["status"], item["reason"]
        return "Unknown", ""

    async def until(self, type_: str, status: str, name: str = "acme") -> None:
        async def arrived() -> bool:
            return (await self.condition(type_, name))[0] == status

        await eventually(arrived)

    async def settle(self, loop: Loop, passes: int = 20, name: str = "acme") -> None:
        for _ in range(passes):
            with contextlib.suppress(TargetError):
                await loop.reconcile(name)

    async def reasons(self, name: str = "acme") -> list[str]:
        return [event.reason for event in await self.store.events(name)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def running(world: World) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = []

    def run(**options: Any) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(world.loop(**options).run()))
        return tasks[-1]

    yield run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_declaration_converges_and_its_revision_is_released(world: World) -> None:
    await world.declare()
    await world.settle(world.loop())
    assert await world.condition("Ready") == ("True", "Converged")
    assert (await world.status())["observedGeneration"] == 1
    assert [item.verdict for item in await world.store.revisions("acme")] == [Verdict.RELEASED]
    assert await world.reasons() == ["Accepted", "Started", "Converged"]


async def test_looking_again_changes_nothing_and_tells_nothing(world: World) -> None:
    await world.declare()
    loop = world.loop()
    await world.settle(loop)
    before, told = await world.status(), await world.reasons()
    world.now += 3600
    await world.settle(loop)
    await world.settle(world.loop())
    assert (await world.status(), await world.reasons()) == (before, told)


async def test_an_invalid_declaration_stalls_with_every_problem_and_leaves_what_runs(world: World) -> None:
    await world.declare()
    loop = world.loop()
    await world.settle(loop)
    done = list(world.target.done)
    await world.declare(bad=True)
    await world.settle(loop)
    assert await world.condition("Stalled") == ("True", "InvalidSpec")
    assert "spec.bad: is not a known field; spec.version: is required" in (await world.status())["lastError"]
    assert world.target.done == done
    assert (await world.status())["observedGeneration"] == 2


async def test_a_paused_system_is_looked_at_and_not_touched(world: World) -> None:
    await world.declare()
    await world.store.set_paused("acme", True)
    await world.settle(world.loop())
    assert world.target.done == []
    assert await world.condition("Reconciling") == ("False", "Paused")
    assert (await world.status())["phase"].startswith("Paused")


async def test_a_step_that_fails_is_said_in_the_conditions_and_tried_again(world: World) -> None:
    await world.declare()
    world.target.failing["acme"] = "port 9000 is taken; stop nginx"
    loop = world.loop()
    with pytest.raises(TargetError):
        await loop.reconcile("acme")
    assert await world.condition("Stalled") == ("True", "PortTaken")
    assert (await world.status())["lastError"] == "services: port 9000 is taken; stop nginx"
    assert (await world.store.revisions("acme"))[-1].verdict is Verdict.FAILED
    world.target.failing.clear()
    await world.settle(loop)
    assert await world.condition("Ready") == ("True", "Converged")
    assert (await world.store.revisions("acme"))[-1].verdict is Verdict.RELEASED


async def test_what_takes_longer_than_the_release_may_take_is_said(world: World) -> None:
    await world.declare(timeout=60.0)
    world.target.failing["acme"] = "no"
    loop = world.loop()
    await world.settle(loop, 1)
    world.now += 61
    await world.settle(loop, 1)
    (stalled,) = [item for item in (await world.status())["conditions"] if item["type"] == "Stalled"]
    assert "longer than spec.release.timeout" in stalled["message"]


@pytest.mark.parametrize(("policy", "kept"), [("Retain", True), ("Delete", False)])
async def test_deleting_stops_everything_and_keeps_what_the_policy_says(world: World, policy: str, kept: bool) -> None:
    await world.declare(deletionPolicy=policy, workloads=["store", "gateway"])
    loop = world.loop()
    await world.settle(loop)
    await world.store.mark_deleted("acme")
    await world.settle(loop)
    stops = [step.workload for _, step in world.target.done if step.action is Action.STOP]
    assert stops == ["gateway", "store"]
    assert world.target.disposed == {"acme": kept}
    assert await world.store.get("acme") is None


async def test_what_is_to_be_backed_up_first_is_not_deleted_where_nothing_takes_backups(world: World) -> None:
    await world.declare(deletionPolicy="BackupThenDelete")
    loop = world.loop()
    await world.settle(loop)
    await world.store.mark_deleted("acme")
    await world.settle(loop)
    assert world.target.disposed == {}
    assert "nothing was removed" in (await world.status())["lastError"]
    assert not [step for _, step in world.target.done if step.action is Action.STOP]


async def test_stopping_goes_from_the_last_to_the_first_and_keeps_the_declaration(world: World) -> None:
    await world.declare(workloads=["store", "user", "gateway"])
    loop = world.loop()
    await world.settle(loop)
    await loop.stop("acme")
    assert [step.workload for _, step in world.target.done if step.action is Action.STOP] == [
        "gateway",
        "user",
        "store",
    ]
    assert await world.condition("Ready") == ("False", "Stopped")
    assert await world.store.get("acme") is not None


@pytest.mark.parametrize("way", ["stopped", "deleted"])
async def test_a_system_whose_declaration_is_not_valid_any_more_can_be_stopped_and_deleted(
    world: World, way: str
) -> None:
    await world.declare(workloads=["store", "gateway"])
    loop = world.loop()
    await world.settle(loop)
    await world.declare(bad=True)
    if way == "deleted":
        await world.store.mark_deleted("acme")
        await world.settle(loop)
        assert await world.store.get("acme") is None
    else:
        await loop.stop("acme")
        assert await world.condition("Ready") == ("False", "Stopped")
    stops = [step.workload for _, step in world.target.done if step.action is Action.STOP]
    assert stops == ["gateway", "store"]


async def test_a_system_that_another_controller_drives_is_left_to_it(world: World) -> None:
    await world.declare()
    world.target.taken.add("acme")
    assert await world.loop().reconcile("acme") == PACE.contended
    assert world.target.done == []
    assert await world.status() == {}


async def test_a_system_that_hangs_or_fails_delays_no_other(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    world.target.hanging.add("hung")
    world.target.failing["sick"] = "no"
    for name in ("hung", "sick", "fine"):
        await world.declare(name)
    running(workers=2)
    await world.until("Ready", "True", "fine")
    await world.until("Stalled", "True", "sick")
    world.target.failing.clear()
    await world.until("Ready", "True", "sick")


async def test_a_failure_of_the_controller_itself_is_told_once_and_tried_again(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    world.target.broken.add("acme")
    await world.declare()
    running()

    async def told() -> bool:
        return "ControllerError" in await world.reasons()

    await eventually(told)
    world.target.broken.clear()
    await world.until("Ready", "True")
    assert (await world.reasons()).count("ControllerError") == 1


async def test_an_instance_that_dies_is_replaced_without_waiting_for_the_resync(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    await world.declare()
    running()
    await world.until("Ready", "True")
    world.target.kill("acme")

    async def restarted() -> bool:
        return "Restarted" in await world.reasons()

    await eventually(restarted)
    assert "Died" in await world.reasons()


async def test_a_watch_that_fails_ends_neither_the_loop_nor_the_watching(
    world: World, running: Callable[..., asyncio.Task[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, failures = world.target.watch, iter([OSError(28, "No space left on device")])

    async def failing() -> AsyncIterator[str]:
        for failure in failures:
            raise failure
        async for name in watch():
            yield name

    monkeypatch.setattr(world.target, "watch", failing)
    await world.declare()
    task = running()
    await world.until("Ready", "True")
    world.target.kill("acme")

    async def restarted() -> bool:
        return "Restarted" in await world.reasons()

    await eventually(restarted)
    assert not task.done()


async def test_a_change_of_the_declaration_wakes_the_loop(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    await world.declare()
    running()
    await world.until("Ready", "True")
    await world.declare(version="2")

    async def released() -> bool:
        return [item.verdict for item in await world.store.revisions("acme")] == [Verdict.RELEASED] * 2

    await eventually(released)
    assert (await world.store.revisions("acme"))[-1].summary == "spec.version: 1 -> 2"


async def test_a_loop_for_one_system_leaves_others_alone_and_ends_with_it(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    await world.declare("acme")
    await world.declare("other")
    task = running(names=["acme"])
    await world.until("Ready", "True", "acme")
    await world.store.mark_deleted("acme")
    async with asyncio.timeout(10):
        await task
    assert {name for name, _ in world.target.done} == {"acme"}


class Recorder(Unobserved):
    """What the loop tells, in order, without times."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def heard(self, system: str) -> None:
        self.told.append(("heard", system))

    def passed(self, system: str, ending: Ending, seconds: float) -> None:
        self.told.append(("passed", system, ending))

    def reported(self, system: str, status: Mapping[str, Any]) -> None:
        ready = next(item["status"] for item in status["conditions"] if item["type"] == "Ready")
        self.told.append(("reported", system, ready))

    def forgotten(self, system: str) -> None:
        self.told.append(("forgotten", system))


async def test_an_observer_is_told_what_is_heard_how_passes_end_and_what_is_gone(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    seen = Recorder()
    await world.declare()
    running(observer=seen)

    async def has_settled() -> bool:
        return ("passed", "acme", Ending.SETTLED) in seen.told

    async def is_gone() -> bool:
        return ("forgotten", "acme") in seen.told

    await eventually(has_settled)
    assert seen.told[0] == ("heard", "acme")
    assert ("passed", "acme", Ending.AGAIN) in seen.told
    assert seen.told.index(("reported", "acme", "True")) < seen.told.index(("passed", "acme", Ending.SETTLED))
    await world.store.mark_deleted("acme")
    await eventually(is_gone)


async def test_an_observer_is_told_whose_fault_a_failure_is(
    world: World, running: Callable[..., asyncio.Task[None]]
) -> None:
    seen = Recorder()
    world.target.failing["refused"] = "no"
    world.target.broken.add("broken")
    for name in ("refused", "broken"):
        await world.declare(name)
    running(observer=seen)

    async def told() -> bool:
        return {("passed", "refused", Ending.FAILED), ("passed", "broken", Ending.CRASHED)} <= set(seen.told)

    await eventually(told)
