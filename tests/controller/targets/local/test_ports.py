"""Ports of this machine, and probes of what listens on them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from controller.blueprint.workload import Port, Probe
from controller.engine.model import Action, Health
from controller.engine.ports import TargetError
from controller.targets.local import ports
from controller.targets.local.layout import SystemPaths
from controller.targets.local.probes import probe

if TYPE_CHECKING:
    from tests.controller.targets.local.conftest import Machine

LISTENER = """
    import socket, sys, time
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", {port}))
    made.listen()
    print("up", flush=True)
    time.sleep(120)
"""


@contextmanager
def listening(number: int = 0) -> Iterator[int]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", number))
        made.listen()
        yield made.getsockname()[1]


def free() -> int:
    with listening() as number:
        return number


def test_private_ports_lie_outside_the_range_of_outgoing_connections() -> None:
    number = ports.allocate(None, ())
    assert ports.LOWEST <= number <= ports.HIGHEST
    assert ports.is_free("127.0.0.1", number)


def test_a_remembered_port_is_taken_again_unless_somebody_has_it() -> None:
    remembered = ports.allocate(None, ())
    assert ports.allocate(remembered, ()) == remembered
    assert ports.allocate(remembered, {remembered}) != remembered
    with listening(remembered):
        assert ports.allocate(remembered, ()) != remembered


async def test_a_public_port_that_a_stranger_holds_is_reported_with_the_port_and_the_remedy(machine: Machine) -> None:
    with listening() as number:
        machine.child(LISTENER.format(port=number), ports=(Port("http", number, published=True, shared=True),))
        with pytest.raises(TargetError) as caught:
            await machine.do(Action.START, "child")
    text = str(caught.value)
    assert caught.value.reason == "PortTaken"
    assert f"port {number} on 127.0.0.1 is taken by" in text
    assert f"process {os.getpid()}" in text
    assert "choose another port with spec.exposure.http" in text
    assert machine.look().instances == ()


async def test_instances_of_one_system_share_a_public_port(machine: Machine) -> None:
    number = free()
    workload = machine.child(LISTENER.format(port=number), ports=(Port("http", number, published=True, shared=True),))
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "up" in machine.log())
    await machine.do(Action.START, "child", 1)
    await machine.until(lambda _: machine.paths.log("child", 1).read_text() == "up\n")
    assert {item.ports for item in machine.look().instances} == {(number,)}
    assert {item.digest for item in machine.look().instances} == {workload.digest}


async def test_a_public_port_for_which_another_system_has_been_started_is_taken(machine: Machine) -> None:
    """Although nothing listens yet, and although both would share it."""
    number = free()
    other = type(machine)(SystemPaths(machine.paths.root.with_name("other")))
    for each in (machine, other):
        each.child("import time; time.sleep(120)", ports=(Port("http", number, published=True, shared=True),))
    await other.do(Action.START, "child")
    with pytest.raises(TargetError, match=f"port {number} on 127.0.0.1 is taken by the system other; choose another"):
        await machine.do(Action.START, "child")
    assert machine.look().instances == ()

    os.kill(other.pid(), signal.SIGKILL)
    await other.until(lambda state: state.instances[0].health is Health.EXITED)
    await machine.do(Action.START, "child")
    assert len(machine.look().instances) == 1


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [("127.0.0.1", "127.0.0.1", True), ("127.0.0.1", "127.0.0.2", False), ("0.0.0.0", "127.0.0.2", True)],
)
def test_systems_on_different_addresses_may_have_the_same_port(one: str, other: str, clash: bool) -> None:
    assert ports.overlap(one, other) is ports.overlap(other, one) is clash


async def test_two_generations_of_one_slot_have_different_private_ports(machine: Machine) -> None:
    machine.child("import time; time.sleep(120)", ports=(Port("metrics", 9100),))
    await machine.do(Action.START, "child")
    await machine.do(Action.START, "child")
    from controller.targets.local import records

    first, second = records.load_instances(machine.paths)
    assert first.ports != second.ports


async def test_an_instance_that_was_told_an_address_which_moved_is_outdated(machine: Machine) -> None:
    machine.child("import time; time.sleep(120)", name="store", ports=(Port("client", 6379),))
    user = machine.child("import time; time.sleep(120)", name="user", environment={"AT": "{address:store:client}"})
    await machine.do(Action.START, "store")
    await machine.do(Action.START, "user")
    assert next(item for item in machine.look().instances if item.workload == "user").digest == user.digest
    machine.paths.slot("store", 0).write_text('{"client": 1}')
    assert next(item for item in machine.look().instances if item.workload == "user").digest != user.digest


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    path = line.split()[1] if line else b""
    if path == b"/hang":
        await asyncio.sleep(30)
    body = b'{"database": "locked"}'
    status = {b"/ready": b"200 OK", b"/bad": b"503 Service Unavailable"}.get(path, b"404 Not Found")
    writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
    writer.close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (None, ""),
        ("/ready", ""),
        ("/bad", '/bad answers 503 {"database": "locked"}'),
        ("/hang", "does not answer within 0.2 s"),
    ],
)
async def test_probes(path: str | None, said: str) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    found = await probe(number, path, 0.2)
    server.close()
    assert found == said or (said and said in found)


@pytest.mark.parametrize(
    ("answer", "said"), [(b"-NOAUTH", ""), (b"", "it closes the connection without an answer to PING")]
)
async def test_a_probe_that_asks_passes_with_any_answer(answer: bytes, said: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"PING\r\n"
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    assert await probe(server.sockets[0].getsockname()[1], None, 5.0, "PING") == said
    server.close()


async def test_a_probe_of_a_closed_port_says_so() -> None:
    number = free()
    assert await probe(number, "/ready", 1.0) == f"nothing listens on port {number} yet"


async def test_what_never_answers_counts_as_hung_after_its_deadline(machine: Machine) -> None:
    machine.child(
        "import time; time.sleep(120)",
        ports=(Port("metrics", 9100),),
        ready=Probe("metrics", "/readyz", deadline=0.2),
        live=Probe("metrics", "/healthz", deadline=0.2),
    )
    await machine.do(Action.START, "child")
    assert machine.only().health is Health.STARTING
    await machine.until(lambda state: state.instances[0].health is Health.FAILED)
