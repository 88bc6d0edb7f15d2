"""Calls to replicas that are processes of their own, while these are killed and paused."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from services.runtime.rpc import Unavailable
from tests.testbed.process import Process, free_ports

ROOT = Path(__file__).parents[3]


@pytest.fixture
def replicas(network, tmp_path):
    """Two of them, each with a journal."""
    started = []
    for name, port in zip(("one", "two"), free_ports(2), strict=True):
        journal = tmp_path / f"{name}.journal"
        journal.touch()
        command = [sys.executable, "-m", "tests.testbed.replica", str(port), str(journal)]
        process = Process(name, command, tmp_path / f"{name}.log", {**os.environ, "PYTHONPATH": str(ROOT)})
        process.start()
        network.directory.add(name, f"127.0.0.1:{port}")
        started.append((process, journal))
    yield started
    for process, _ in started:
        process.kill()


async def ready(network):
    caller = await network.caller()
    router = caller.remote._routers["transmit"]
    async with asyncio.timeout(20):
        while not all(replica.ready for replica in router.replicas):
            try:
                await caller.send("warm", "warm", timeout=0.5)
            except Unavailable:
                await asyncio.sleep(0.05)
    return caller


def read(journal, conversation):
    lines = [line.split(" ") for line in journal.read_text().splitlines()]
    return [request_id for chat, request_id, _ in lines if chat == conversation]


async def load(caller, conversations, lasting, timeout=10.0):
    """Sends of every conversation, pipelined, until `lasting` is done. Returns the acknowledged ones by conversation."""
    acknowledged = {chat: [] for chat in conversations}

    async def one(chat, name):
        try:
            if (await caller.send(name, chat, timeout)).success:
                acknowledged[chat].append(name)
        except Unavailable:
            pass

    calls = []
    number = 0
    while not lasting.done():
        calls += [asyncio.ensure_future(one(chat, f"{number:06}")) for chat in conversations]
        number += 1
        await asyncio.sleep(0.01)
    await asyncio.gather(*calls)
    return acknowledged


CONVERSATIONS = [f"c{number}" for number in range(6)]


async def test_what_was_acknowledged_while_a_replica_was_killed_is_stored_once_and_in_order(network, replicas):
    caller = await ready(network)
    (victim, _), (_, _) = replicas

    async def kill():
        await asyncio.sleep(0.5)
        victim.signal(signal.SIGKILL)
        await asyncio.sleep(0.5)

    acknowledged = await load(caller, CONVERSATIONS, asyncio.ensure_future(kill()))
    for chat in CONVERSATIONS:
        before, after = (read(journal, chat) for _, journal in replicas)
        assert len(acknowledged[chat]) > 30
        # Nobody knew what the killed one had stored last: those are in both, and the database knows them by their id.
        stored = list(dict.fromkeys(sorted(before) + after)) if before else after
        assert set(acknowledged[chat]) <= set(stored)
        assert before == sorted(set(before))
        assert after == sorted(set(after))
        assert stored == sorted(stored)


async def test_a_paused_replica_delays_its_conversations_only_and_nothing_is_repeated(network, replicas):
    caller = await ready(network)
    (paused, journal), (_, other) = replicas
    paused.signal(signal.SIGSTOP)
    calls = {chat: asyncio.ensure_future(caller.send("1", chat, 0.5)) for chat in [*CONVERSATIONS, "d1", "d2", "d3"]}
    results = dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))
    late = [chat for chat, result in results.items() if isinstance(result, Unavailable)]
    assert all("no answer in time" in str(results[chat]) for chat in late)
    assert all(read(other, chat) == ["1"] for chat in results if chat not in late)
    paused.signal(signal.SIGCONT)
    answers = await asyncio.gather(*(caller.send("2", chat, 5.0) for chat in results))
    assert all(answer.success for answer in answers)
    for chat in results:
        assert sum(name == "2" for name in read(journal, chat) + read(other, chat)) == 1
        assert not (chat in late and read(other, chat))
