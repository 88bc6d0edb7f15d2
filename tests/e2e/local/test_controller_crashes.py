"""The controller is killed at any moment, and with it whatever it was doing: the next one goes on from there."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.targets.local import identity, records
from tests.testbed.local_system import Here, declaration, eventually


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    made = Here(tmp_path)
    yield made
    made.end()


@pytest.mark.parametrize("seed", [1, 2])
async def test_crashes_while_the_system_is_split_and_joined_leave_one_of_each_process(here: Here, seed: int) -> None:
    chance = random.Random(seed)
    together = declaration()
    split = {**together, "spec": {**together["spec"], "local": {"processes": "PerService"}}}
    for _ in range(6):
        await here.session.store.put(split if chance.random() < 0.4 else together, author="ann")
        await here.session.start_controller("acme")
        await asyncio.sleep(chance.random())
        driver = here.session.controller_pid("acme")
        if driver is not None:
            os.kill(driver, signal.SIGKILL)
        for process in here.processes():
            if chance.random() < 0.2:
                identity.send(process, signal.SIGKILL)

    await here.session.store.put(together, author="ann")
    await here.session.start_controller("acme")

    async def alone() -> bool:
        ids = sorted(record.id for record in records.load_instances(here.paths))
        return await here.ready() and len(ids) == 2 and here.carriers() == ids

    await eventually(alone)
    assert await here.answers(together) == 200
