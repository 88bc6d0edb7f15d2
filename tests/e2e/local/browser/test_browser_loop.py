"""People talk in the browser while every process of their system is killed; the product's own loop brings all of it back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.testbed.browser import Visitor
from tests.testbed.client import Api, befriend
from tests.testbed.product import Product

EACH = 60


@pytest.fixture(params=["Shared", "PerService"])
def product(tmp_path: Path, request: Any) -> Iterator[Product]:
    one = Product(tmp_path, local={"processes": request.param})
    try:
        yield one.up()
    finally:
        one.delete()


async def talk(visitor: Visitor, prefix: str) -> None:
    for number in range(EACH):
        await visitor.send(f"{prefix}{number}")
        await asyncio.sleep(0.05)


async def kill_every_process(product: Product) -> int:
    """All at once, and then each that is running by then, one by one, the controller as well."""
    killed = len(await asyncio.to_thread(product.kill_all))
    await asyncio.to_thread(product.wait_ready)
    for pid in product.pids().values():
        os.kill(pid, signal.SIGKILL)
        killed += 1
        await asyncio.sleep(0.4)
    controller = await asyncio.to_thread(lambda: product.controller)
    assert controller is not None
    os.kill(controller, signal.SIGKILL)
    await asyncio.to_thread(product.kill_all)
    # `wait` would report the deaths that are this test's own doing, so only the outcome is looked at.
    await asyncio.to_thread(product.done, "apply", "-f", product.declaration())
    await asyncio.to_thread(product.wait_ready)
    return killed


@pytest.mark.timeout(180)
async def test_people_talk_on_while_every_process_is_killed(arrive, product: Product) -> None:
    api = Api(product.host, product.http_port, product.websocket_port)
    one, other = await api.register(), await api.register()
    conversation = await befriend(one, other)
    await api.close()
    origin = f"http://{product.host}:{product.http_port}"
    ann, bob = await arrive(origin), await arrive(origin)
    await ann.adopt(one.session_id)
    await bob.adopt(other.session_id)
    await ann.open(other.nickname)
    await bob.open(one.nickname)

    _, _, killed = await asyncio.gather(talk(ann, "a"), talk(bob, "b"), kill_every_process(product))

    assert killed >= 4
    acknowledged = "[data-testid=message]:is([data-state=sent], [data-state=read], [data-state=received])"
    for visitor in (ann, bob):
        await expect(visitor.page.locator(acknowledged)).to_have_count(2 * EACH, timeout=60_000)
    fresh = Api(product.host, product.http_port, product.websocket_port)
    history = await (await fresh.login(one.nickname)).history(conversation)
    await fresh.close()
    stored = [each["message"]["string_message"]["content"] for each in history]
    assert await ann.texts() == await bob.texts() == stored
    for prefix in "ab":
        assert [each for each in stored if each.startswith(prefix)] == [f"{prefix}{number}" for number in range(EACH)]
