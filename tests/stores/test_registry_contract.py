"""What every Registry adapter promises."""

import asyncio

import pytest

from services.stores.ports import Instance

ONE = Instance("user", "one", "127.0.0.1:1001", {"version": "1"})
TWO = Instance("user", "two", "127.0.0.1:1002")


class Seen:
    """The last word of a watch."""

    def __init__(self):
        self.now = {}
        self.history = []
        self.changed = asyncio.Event()

    def __call__(self, service, instances):
        self.now[service] = sorted(instance.id for instance in instances)
        self.history.append((service, self.now[service]))
        self.changed.set()

    async def until(self, service, ids, timeout=10.0):
        async with asyncio.timeout(timeout):
            while self.now.get(service) != ids:
                self.changed.clear()
                await self.changed.wait()


async def test_a_registered_instance_is_found_as_it_was_given(open_registry):
    registry, other = await open_registry(), await open_registry()
    await registry.register(ONE)
    assert await other.instances("user") == [ONE]
    assert await other.instances("friend") == []


async def test_a_registration_outlives_its_lease_while_its_process_lives(open_registry):
    registry, other = await open_registry(), await open_registry()
    await registry.register(ONE)
    await asyncio.sleep(1.0)
    assert await other.instances("user") == [ONE]


async def test_a_process_that_died_lapses(open_registry):
    registry, other = await open_registry(), await open_registry()
    await registry.register(ONE)
    seen = Seen()
    await other.watch(seen)
    await seen.until("user", ["one"])
    for task in registry._tasks:
        task.cancel()
    await seen.until("user", [])
    assert await other.instances("user") == []


async def test_deregistering_and_closing_take_effect_at_once(open_registry):
    registry, second, other = [await open_registry() for _ in range(3)]
    await registry.register(ONE)
    await second.register(TWO)
    seen = Seen()
    await other.watch(seen)
    await seen.until("user", ["one", "two"])
    await registry.deregister(ONE)
    await seen.until("user", ["two"], timeout=0.5)
    await second.close()
    await seen.until("user", [], timeout=0.5)


async def test_a_watch_tells_what_is_there_before_it_returns_and_then_each_change_once(open_registry):
    registry, other = await open_registry(), await open_registry()
    await registry.register(ONE)
    seen = Seen()
    await other.watch(seen)
    assert seen.history == [("user", ["one"])]
    await registry.register(TWO)
    await seen.until("user", ["one", "two"])
    await asyncio.sleep(0.4)
    assert seen.history == [("user", ["one"]), ("user", ["one", "two"])]


@pytest.mark.parametrize("service", ["user", "speech/recognition"])
async def test_registering_twice_is_registering_once(open_registry, service):
    registry = await open_registry()
    instance = Instance(service, "one", "127.0.0.1:1")
    await registry.register(instance)
    await registry.register(instance)
    assert await registry.instances(service) == [instance]


async def test_ping_passes(open_registry):
    await (await open_registry()).ping()
