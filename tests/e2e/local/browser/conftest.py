"""Visitors of the shared system; a test fails when a script of theirs had an error or broke the policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.testbed.browser import Visitor, chromium
from tests.testbed.system import System


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def arrive(browser: Browser, system: System) -> AsyncIterator[Callable[..., Awaitable[Visitor]]]:
    """Opens the web client in a device of its own; `origin` for another than the shared system's."""
    visitors: list[Visitor] = []

    async def open_client(origin: str | None = None, **options: Any) -> Visitor:
        visitor = await Visitor.arrive(browser, origin or f"http://{system.host}:{system.http_port}", **options)
        visitors.append(visitor)
        return visitor

    yield open_client
    problems = [each for visitor in visitors for each in visitor.problems]
    assert problems == []
