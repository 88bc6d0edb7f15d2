"""Figures that are taken at a scrape."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Gauge

from services.observation import samples as module
from services.observation.samples import Samples
from services.stores.ports import StoreError


@pytest.fixture
async def registry():
    return CollectorRegistry()


async def test_scrapes_at_the_same_time_ask_once(registry):
    samples, asked = Samples(registry), []

    async def take():
        asked.append(1)
        await asyncio.sleep(0)

    samples.add("one", take)
    await asyncio.gather(*(samples.take() for _ in range(5)))
    assert asked == [1]


async def test_a_figure_that_cannot_be_taken_is_counted_and_spoils_no_other(registry):
    samples = Samples(registry)
    good = Gauge("good", "good", registry=registry)

    async def fails():
        raise StoreError("away")

    async def works():
        good.set(7)

    samples.add("bad", fails)
    samples.add("good", works)
    await samples.take()
    assert registry.get_sample_value("good") == 7
    assert registry.get_sample_value("chatsystem_sample_failures_total", {"sample": "bad"}) == 1
    assert registry.get_sample_value("chatsystem_sample_failures_total", {"sample": "good"}) == 0


async def test_a_store_that_hangs_does_not_hold_the_scrape(registry, monkeypatch):
    monkeypatch.setattr(module, "_TIMEOUT", 0.02)
    samples = Samples(registry)
    samples.add("hangs", asyncio.Event().wait)
    async with asyncio.timeout(2):
        await samples.take()
    assert registry.get_sample_value("chatsystem_sample_failures_total", {"sample": "hangs"}) == 1
