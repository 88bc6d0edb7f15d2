"""The course of the benchmark: many systems at once from nothing to Ready, single edits of systems that rest, an hour of resyncs.

The hour is compressed: a second controller, started for it, makes as many passes over each system as an hour has resyncs, one after
the other. So it also shows what a controller that takes over writes: a look at the external stores is a Job, and the status says meanwhile
that they are being looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

from bench.costs import Costs
from bench.kubernetes import declared
from bench.kubernetes.api import Api, Sight
from bench.kubernetes.stage import Controller, Stage
from controller.engine.loop import Pace
from controller.targets.kubernetes.kinds import RENDERED, SECRET, SYSTEM

HURRIED = 0.5
"""Seconds between two resyncs of the compressed hour, if the passes take no longer."""
PATIENCE = 1800.0
STILL = 5.0
"""Seconds without a write after which the controller rests."""

Writes = Mapping[tuple[str, str], float]
"""(verb, kind) -> how many."""


@dataclass(frozen=True)
class Outcome:
    """Times in seconds, memory in bytes."""

    systems: int
    objects: int
    """That the controller made for them."""
    start_costs: Costs
    start_writes: Writes
    to_ready: array[float]
    resident: int
    """Of the controller, at most."""
    edits: array[float]
    edit_costs: Costs
    passes: float
    """Passes over a system in the compressed hour."""
    hour_costs: Costs
    hour_writes: Writes
    takeover_writes: Writes
    """What the controller of that hour wrote before it."""


async def run(stage: Stage, *, systems: int, edits: int, resyncs: int, profile: bool = False) -> Outcome:
    sight = Sight()
    names = [declared.name(number) for number in range(systems)]
    async with Api(stage.kubeconfig) as api, sight.watching(api, declared.NAMESPACE):
        with stage.controller(resync=Pace().resync, profile=profile) as first:
            await _serves(first)
            async with _resident(first) as most:
                _say(f"declaring {systems} systems")
                watch = _Costs(stage, first)
                begun = await _declare(api, systems)
                await sight.until_ready(names, 1, PATIENCE)
                start_costs = watch.spent()
                ready_at = {name: when for name, (_, when) in sight.ready.items()}
                _say("all are Ready; waiting until nothing is written any more")
                start_writes = await _rest(first)
                _say(f"editing {edits} of them, one after the other")
                watch = _Costs(stage, first)
                took = await _edit(api, sight, systems, edits)
                edit_costs = watch.spent()
                await _rest(first)
        objects = await _count(api)
        with stage.controller(resync=HURRIED, profile=profile) as second:
            await _serves(second)
            await _passes(second, systems)
            takeover = await _rest(second)
            _say(f"{resyncs} resyncs")
            watch, passed = _Costs(stage, second), await _total(second)
            await _passes(second, passed + systems * resyncs)
            hour_costs, passes = watch.spent(), await _total(second) - passed
            hour_writes = {key: count - takeover.get(key, 0.0) for key, count in (await _writes(second)).items()}
    to_ready = array("d", [ready_at[name] - begun[name] for name in names])
    return Outcome(
        systems,
        objects,
        start_costs,
        start_writes,
        to_ready,
        max(most),
        took,
        edit_costs,
        passes,
        hour_costs,
        hour_writes,
        takeover,
    )


class _Costs:
    """What is spent from now on."""

    def __init__(self, stage: Stage, controller: Controller) -> None:
        self._groups = {"controller": [controller.process.pid], **stage.others}
        self._before = Costs.of(self._groups)

    def spent(self) -> Costs:
        return Costs.of(self._groups).since(self._before)


async def _declare(api: Api, systems: int) -> dict[str, float]:
    """All at once; when each was asked for."""
    begun: dict[str, float] = {}

    async def one(number: int) -> None:
        begun[declared.name(number)] = time.monotonic()
        await api.create(SYSTEM.path(declared.NAMESPACE), declared.system(number))

    await asyncio.gather(*(one(number) for number in range(systems)))
    return begun


async def _edit(api: Api, sight: Sight, systems: int, edits: int) -> array[float]:
    """From sending each edit until the Deployment that it concerns was changed. The next one comes when the system is Ready again."""
    took = array("d")
    for number in range(edits):
        name = declared.name(number * 7 % systems)
        deployment = f"{name}-{declared.EDITED}"
        generation = sight.applied[deployment][0]
        begun = time.monotonic()
        edited = await api.merge(SYSTEM.path(declared.NAMESPACE, name), declared.edit(number))
        took.append(await sight.until_applied(deployment, generation, PATIENCE) - begun)
        await sight.until_ready([name], edited["metadata"]["generation"], PATIENCE)
    return took


async def _count(api: Api) -> int:
    labels = "app.kubernetes.io/managed-by=chatsystem-controller"
    count = 0
    for kind in (*RENDERED, SECRET):
        with contextlib.suppress(AssertionError):  # an optional kind
            count += len((await api.get(f"{kind.path(declared.NAMESPACE)}?labelSelector={labels}"))["items"])
    return count


async def _rest(controller: Controller) -> Writes:
    """Waits until nothing is written any more, and gives all that was."""
    before, since = await _writes(controller), time.monotonic()
    while time.monotonic() - since < STILL:
        await asyncio.sleep(0.5)
        now = await _writes(controller)
        if now != before:
            before, since = now, time.monotonic()
    return before


async def _passes(controller: Controller, count: float) -> None:
    """Waits until it has made so many passes."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await asyncio.sleep(0.2)
            if await _total(controller) >= count:
                return


async def _serves(controller: Controller) -> None:
    """Waits until it leads."""
    async with asyncio.timeout(PATIENCE):
        while True:
            assert controller.process.running, f"the controller has ended; its log is {controller.process.log}"
            with contextlib.suppress(aiohttp.ClientError):
                if sum((await _samples(controller, "chatsystem_controller_leader")).values()):
                    return
            await asyncio.sleep(0.1)


async def _total(controller: Controller) -> float:
    return sum((await _samples(controller, "chatsystem_controller_passes_total")).values())


async def _writes(controller: Controller) -> Writes:
    found: dict[tuple[str, str], float] = {}
    for labels, count in (await _samples(controller, "chatsystem_controller_writes_total")).items():
        values = dict(labels)
        key = values["verb"], values["kind"]
        found[key] = found.get(key, 0.0) + count
    return found


async def _samples(controller: Controller, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    async with aiohttp.ClientSession() as session, session.get(controller.metrics) as answer:
        text = await answer.text()
    return {
        tuple(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


@asynccontextmanager
async def _resident(controller: Controller) -> AsyncIterator[list[int]]:
    """The memory of the controller, twice a second."""
    process, seen = psutil.Process(controller.process.pid), [0]

    async def look() -> None:
        while True:
            seen.append(process.memory_info().rss)
            await asyncio.sleep(0.5)

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)
