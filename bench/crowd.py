"""Ten thousand people connect, are let in, and then do nothing: how fast that goes and what each of them costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop
from picows import WSFrame, WSListener, WSTransport

from bench.clients import connect
from bench.costs import Costs
from bench.population import Person
from bench.subject import Subject

AT_ONCE = 100
"""Connections that are opened at the same time."""

REST = 3.0
"""Seconds before their memory is looked at."""


@dataclass(frozen=True)
class Arrival:
    """`count` connections were let in within `seconds`, at a price of `cpu` seconds of services and stores, and took `memory`
    bytes of the gateway."""

    count: int
    seconds: float
    cpu: float
    memory: int

    def __str__(self) -> str:
        return (
            f"{self.count:,} connections: {self.count / self.seconds:,.0f} authenticated accepts/s,"
            f" {self.cpu / self.count * 1e6:.0f} µs of CPU each, {self.memory / self.count / 1024:.1f} KiB each when idle"
        )


class _Idler(WSListener):  # type: ignore[misc]
    """Waits for its welcome."""

    protocol = 1

    def __init__(self) -> None:
        self.welcome = asyncio.get_running_loop().create_future()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self.welcome.done():
            self.welcome.set_result(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.welcome.done():
            self.welcome.set_exception(ConnectionError("a connection was not let in"))


def arrive(people: Sequence[Person], subject: Subject) -> Arrival:
    """Each with a login session of its own, which nobody has asked for before. They are gone when this returns."""
    return uvloop.run(_arrive(people, subject))


async def _arrive(people: Sequence[Person], subject: Subject) -> Arrival:
    names = [*subject.services, *subject.stores]
    gateway = [name for name in subject.services if name in {"gateway", "all"}]
    before = Costs.of(subject.groups)
    began = time.monotonic()
    waiting = iter(enumerate(people))
    transports: list[WSTransport] = []

    async def usher() -> None:
        for number, person in waiting:
            port = subject.gateways[number % len(subject.gateways)][1]
            idler = await connect(f"ws://127.0.0.1:{port}/", person.token, _Idler)
            transports.append(await idler.welcome)

    await asyncio.gather(*(usher() for _ in range(AT_ONCE)))
    seconds = time.monotonic() - began
    cpu = Costs.of(subject.groups).since(before).total(names)
    await asyncio.sleep(REST)
    memory = Costs.of(subject.groups).resident(gateway) - before.resident(gateway)
    for transport in transports:
        transport.disconnect()
    await asyncio.sleep(1.0)
    return Arrival(len(people), seconds, cpu, memory)
