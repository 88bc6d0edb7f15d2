"""The world of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.testbed.accounts import World
from tests.testbed.runtime import TestRuntime, make_runtime, runtime, valkey

__all__ = ["make_runtime", "runtime", "valkey"]


@pytest.fixture
async def world(runtime: TestRuntime) -> AsyncIterator[World]:
    world = World(runtime)
    yield world
    await world.close()
