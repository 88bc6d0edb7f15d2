"""`python -m bench.rpc`: what a call to another process costs, by itself and as one of many on a stream.

Two processes on the loopback interface: one serves handlers that answer at once, the other calls. Both ways are measured in
turn in one run, so what else the machine does hits them alike: read the ratio first.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from services.protocol.base_pb2 import MessageContent, StringMessageInfo
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.protocol.user_pb2 import ValidateSessionReq, ValidateSessionRsp
from services.runtime.rpc import DESCRIPTORS
from services.runtime.rpc_policy import LARGEST_SHARED
from services.runtime.rpc_remote import RemoteServices
from services.runtime.rpc_server import RpcServer
from services.stores.ports import Instance

SECRET = "the secret of a benchmark"
CALLERS = (1, 16, 64, 256)
ROUNDS = 3
"""Windows of each way; the median counts."""

Caller = Callable[[RemoteServices, int], Awaitable[Any]]


@dataclass(frozen=True)
class Window:
    """`calls` per second; `client` and `server` are CPU per call, in microseconds."""

    calls: float
    client: float
    server: float


class OneReplica:
    """A registry that knows one process, which serves `user` and `transmit`."""

    def __init__(self, port: int) -> None:
        self._address = f"127.0.0.1:{port}"

    async def watch(self, changed: Callable[[str, list[Instance]], None]) -> None:
        for service in ("user", "transmit"):
            changed(service, [Instance(service, "one", self._address)])


def cpu() -> float:
    """Seconds of CPU that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def answer_validate(request: ValidateSessionReq) -> ValidateSessionRsp:
    return ValidateSessionRsp(request_id=request.request_id, success=True, user_id="u" * 24, expires_at=2_000_000_000)


async def answer_send(request: NewMessageReq) -> SendRsp:
    response = SendRsp(request_id=request.request_id, success=True, seq=1, member_id=["u" * 24, "v" * 24])
    response.message.message_id = "m" * 24
    response.message.message.CopyFrom(request.message)
    return response


def serve(pipe: Connection) -> None:
    """The other process. Every line asks for its CPU time; the end of the pipe ends it."""

    async def run() -> None:
        unused = {method.name: answer_validate for method in DESCRIPTORS["user"].methods}
        services = {"user": unused, "transmit": {"Send": answer_send}}
        server = RpcServer(SECRET, services)
        (port,) = await server.start("127.0.0.1", [0])
        pipe.send(port)
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(pipe.fileno(), asked.set)
        while True:
            await asked.wait()
            asked.clear()
            try:
                pipe.recv()
            except EOFError:
                break
            pipe.send(cpu())
        loop.remove_reader(pipe.fileno())
        await server.stop(1.0)

    uvloop.run(run())


async def validate(remote: RemoteServices, number: int) -> None:
    await remote.call("user", "ValidateSession", ValidateSessionReq(request_id=f"r{number}", session_id="s" * 43), 10.0)


async def send(remote: RemoteServices, number: int) -> None:
    request = NewMessageReq(request_id=f"r{number}", user_id="u" * 24, chat_session_id=f"c{number}")
    request.message.CopyFrom(MessageContent(string_message=StringMessageInfo(content="x" * 64)))
    await remote.call("transmit", "Send", request, 10.0)


async def window(remote: RemoteServices, call: Caller, callers: int, seconds: float, pipe: Connection) -> Window:
    loop = asyncio.get_running_loop()
    done = 0

    async def one(number: int, end: float) -> None:
        nonlocal done
        while loop.time() < end:
            await call(remote, number)
            done += 1

    async def load(length: float) -> float:
        started = loop.time()
        await asyncio.gather(*(one(number, started + length) for number in range(callers)))
        return loop.time() - started

    await load(min(0.2, seconds))
    done = 0
    pipe.send("cpu")
    server, client = pipe.recv(), cpu()
    elapsed = await load(seconds)
    client = cpu() - client
    pipe.send("cpu")
    server = pipe.recv() - server
    return Window(done / elapsed, client / done * 1e6, server / done * 1e6)


def median(windows: list[Window]) -> Window:
    return Window(
        *(statistics.median(getattr(each, name) for each in windows) for name in ("calls", "client", "server"))
    )


async def compare(port: int, pipe: Connection, seconds: float) -> list[tuple[str, int, Window, Window]]:
    """(call, callers, each by itself, on the stream) for every case."""
    registry: Any = OneReplica(port)
    alone = RemoteServices(registry, SECRET, largest_shared=0)
    shared = RemoteServices(registry, SECRET, largest_shared=LARGEST_SHARED)
    rows = []
    for remote in (alone, shared):
        await remote.start()
    calls: tuple[tuple[str, Caller], ...] = (("ValidateSession", validate), ("Send", send))
    for name, call in calls:
        for callers in CALLERS:
            measured: dict[str, list[Window]] = {"alone": [], "shared": []}
            for _ in range(ROUNDS):
                measured["alone"].append(await window(alone, call, callers, seconds, pipe))
                measured["shared"].append(await window(shared, call, callers, seconds, pipe))
            rows.append((name, callers, median(measured["alone"]), median(measured["shared"])))
    for remote in (alone, shared):
        await remote.close()
    return rows


def report(rows: list[tuple[str, int, Window, Window]]) -> str:
    lines = [
        "| call | callers | calls/s alone | on a stream | client CPU µs alone | on a stream | server CPU µs alone | on a stream "
        "| CPU of both, ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, callers, alone, shared in rows:
        ratio = (alone.client + alone.server) / (shared.client + shared.server)
        lines.append(
            f"| {name} | {callers} | {alone.calls:,.0f} | {shared.calls:,.0f} | {alone.client:.0f} | {shared.client:.0f} "
            f"| {alone.server:.0f} | {shared.server:.0f} | {ratio:.1f} |"
        )
    return "\n".join(lines)


def measure(seconds: float) -> list[tuple[str, int, Window, Window]]:
    """Starts the other process, measures, and ends it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=serve, args=(theirs,))
    other.start()
    theirs.close()
    try:
        return uvloop.run(compare(ours.recv(), ours, seconds))
    finally:
        ours.close()
        other.join(10)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rpc", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a window")
    seconds: float = parser.parse_args().seconds
    load = os.getloadavg()[0]
    print(report(measure(seconds)))
    print(f"\nload average before: {load:.1f} on {os.cpu_count()} CPUs")


if __name__ == "__main__":
    main()
