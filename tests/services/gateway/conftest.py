"""A running gateway as a fixture."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from tests.testbed.gateway import System, running


@pytest.fixture
async def system() -> AsyncIterator[System]:
    async with running() as started:
        yield started


@pytest.fixture
def start() -> Callable[..., contextlib.AbstractAsyncContextManager[System]]:
    """`async with start(sendRate="1") as system`."""
    return running
