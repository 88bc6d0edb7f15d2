"""Dead letters are bounded by count and age, and none goes without being counted."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.observation.queue import ObservedQueue
from services.observation.samples import Samples
from services.runtime.events import SEARCH
from services.store.dead_letters import Bounds, DeadLetters
from tests.testbed.runtime import TestRuntime

GROUP = "search-index"


async def test_dead_letters_beyond_the_bounds_are_dropped_counted_and_logged(
    chat: TestRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    registry = CollectorRegistry()
    queue = ObservedQueue(chat.queue, registry, Samples(registry), chat.clock)
    dropped = ("chatsystem_queue_dead_letters_dropped_total", {"topic": SEARCH, "group": GROUP})

    async def fail(parcels: object) -> dict[str, Exception]:
        raise ValueError("no good")

    consumption = await queue.consume(SEARCH, GROUP, fail, attempts=1)
    for number in range(1, 4):
        await queue.publish(SEARCH, [b"%d" % number])
        async with asyncio.timeout(30):
            while await queue.dead_depth(SEARCH, GROUP) < number:  # noqa: ASYNC110 - the store gives no sign
                await asyncio.sleep(0.01)
    await consumption.close()
    assert await DeadLetters(queue, Bounds(3, 1e9), chat.clock, 600.0).sweep() == 0
    assert registry.get_sample_value(*dropped) == 0
    assert await DeadLetters(queue, Bounds(1, 1e9), chat.clock, 600.0).sweep() == 2
    assert registry.get_sample_value(*dropped) == 2
    assert f"2 dead letters of {SEARCH}" in caplog.text
    assert [letter.payload for letter in await queue.dead_letters(SEARCH, GROUP)] == [b"3"]
