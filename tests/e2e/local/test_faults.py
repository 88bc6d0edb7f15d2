"""Crashes while messages flow: nothing acknowledged is lost, doubled or out of order, counts and read positions hold."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from services.catalogue import SERVICES
from tests.testbed.client import Api
from tests.testbed.system import System
from tests.testbed.traffic import Traffic

SOME = 150
"""Messages between two events."""


async def begin(system: System) -> Traffic:
    traffic = Traffic(Api(system.host, system.http_port, system.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)
    return traffic


@pytest.fixture
async def own(start_system) -> AsyncIterator[System]:
    yield await asyncio.to_thread(start_system)


async def again(system: System, name: str) -> None:
    system.restart(name)
    await asyncio.to_thread(system.wait_ready)


async def test_kill_9_of_the_one_process(own: System):
    traffic = await begin(own)
    for _ in range(2):
        own.processes["all"].kill()
        await again(own, "all")
        await traffic.flow(SOME)
    assert await traffic.end() == []
    assert all(member.reconnects for member in traffic.members)


async def test_messages_flow_on_through_a_kill_9_of_valkey(own: System):
    traffic = await begin(own)
    own.valkey.process.kill()
    await traffic.flow(SOME)
    await asyncio.to_thread(own.valkey.start)
    await asyncio.to_thread(own.wait_ready)
    await traffic.flow(SOME)
    assert await traffic.end() == []


async def test_kill_9_of_everything_at_once(own: System):
    traffic = await begin(own)
    own.processes["all"].kill()
    own.valkey.process.kill()
    await asyncio.to_thread(own.valkey.start)
    await again(own, "all")
    await traffic.flow(SOME)
    assert await traffic.end() == []


async def test_a_process_that_stands_still_for_seconds(own: System):
    traffic = await begin(own)
    for victim in (own.processes["all"], own.valkey.process):
        victim.signal(signal.SIGSTOP)
        await asyncio.sleep(3.0)
        victim.signal(signal.SIGCONT)
        await traffic.flow(SOME)
    assert await traffic.end() == []


@pytest.mark.defect("Q8")
async def test_sigterm_drains_and_says_goodbye(own: System):
    traffic = await begin(own)
    process = own.processes["all"]
    process.signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 20.0) == 0
    await again(own, "all")
    await traffic.flow(SOME)
    assert await traffic.end() == []


async def test_a_draining_gateway_sends_framed_clients_away_in_time(own: System):
    api = Api(own.host, own.http_port, own.websocket_port)
    person = await api.register()
    framed, plain = await person.connect(), await person.listen()
    own.processes["all"].signal(signal.SIGTERM)
    going = await framed.wait(lambda frame: frame["go_away"], timeout=5.0)
    assert going["reconnect_after_ms"] >= 0
    assert own.health("all")[0] in (503, 0)
    for device in (framed, plain):
        assert (await device.closing(15.0)).code in (1001, 1012)
    assert await asyncio.to_thread(own.processes["all"].wait, 20.0) == 0
    await api.close()


@pytest.mark.timeout(180)
async def test_kill_9_of_each_of_seven_processes(start_system):
    own = await asyncio.to_thread(start_system, split=True)
    traffic = await begin(own)
    for service in SERVICES:
        own.processes[service.name].kill()
        await asyncio.sleep(0.3)
        await again(own, service.name)
        await traffic.flow(60)
    own.valkey.process.kill()
    await asyncio.to_thread(own.valkey.start)
    await asyncio.to_thread(own.wait_ready)
    await traffic.flow(60)
    assert await traffic.end() == []


async def test_seven_processes_one_of_which_stands_still(start_system):
    own = await asyncio.to_thread(start_system, split=True)
    traffic = await begin(own)
    for name in ("transmit", "user"):
        own.processes[name].signal(signal.SIGSTOP)
        await asyncio.sleep(2.0)
        own.processes[name].signal(signal.SIGCONT)
        await traffic.flow(60)
    assert await traffic.end() == []
