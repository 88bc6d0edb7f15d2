"""The load generator: a process of its own on raw asyncio protocols.

`python -m bench.load` reads one scenario as JSON from standard input and connects. It writes a line "connected" before the
first message, "begin" when the measured window begins, and one line of JSON with what it counted when everything is answered.
Whoever started it reads the CPU time of the system at the first and after the last.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import uvloop

from bench.clients import HttpSender, Receiver, SocketSender, connect
from bench.samples import Samples, percentile
from bench.wire import send_template

CONNECTING = 50
"""Connections opened at the same time."""


async def _gather(calls: list[Callable[[], Any]]) -> list[Any]:
    """Runs the calls, CONNECTING at a time, and returns their results in order."""
    results: list[Any] = []
    for start in range(0, len(calls), CONNECTING):
        results += await asyncio.gather(*(call() for call in calls[start : start + CONNECTING]))
    return results


async def run(scenario: dict[str, Any]) -> None:
    samples = Samples()
    over_http = scenario["transport"] == "http"
    gateways = scenario["gateways"]

    def receiver(number: int, token: str) -> Callable[[], Any]:
        _, websocket = gateways[number % len(gateways)]
        return lambda: connect(f"ws://127.0.0.1:{websocket}/", token, lambda: Receiver(samples, 0 if over_http else 1))

    await _gather([receiver(number, token) for number, token in enumerate(scenario["receivers"])])

    senders: list[HttpSender | SocketSender] = []
    for number, (token, conversation) in enumerate(scenario["senders"]):
        http, websocket = gateways[(number + 1) % len(gateways)]
        host = f"127.0.0.1:{http}"
        template = send_template(token, conversation, frame=not over_http, host=host, padding=scenario["padding"])
        if over_http:
            sender: HttpSender | SocketSender = HttpSender(template, samples, number)
            await asyncio.get_running_loop().create_connection(lambda s=sender: s, "127.0.0.1", http)  # type: ignore[misc]
        else:
            sender = SocketSender(template, samples, number)
            await connect(f"ws://127.0.0.1:{websocket}/", token, lambda s=sender: s)  # type: ignore[misc]
        senders.append(sender)

    rate = scenario["rate"]
    for sender in senders:
        sender.closed_loop = not rate
    await asyncio.sleep(0.5)  # the gateways are done with the connections
    _say("connected")
    pacing: asyncio.Task[None] | None = None
    if rate:
        pacing = asyncio.ensure_future(_pace(senders, rate))
    else:
        for sender in senders:
            for _ in range(scenario["window"]):
                sender.send()

    await asyncio.sleep(scenario["warm_up"])
    _say("begin")
    began = time.perf_counter()
    warming = samples.acknowledged
    _reset(samples)
    await asyncio.sleep(scenario["seconds"])
    elapsed = time.perf_counter() - began
    result = _result(samples, elapsed)
    for sender in senders:
        sender.closed_loop = False
    if pacing is not None:
        pacing.cancel()
    await asyncio.sleep(0.5)
    if samples.last_refusal:
        sys.stderr.write(f"refused, for example: {samples.last_refusal!r}\n")
    _say(json.dumps({**result, "messages": warming + samples.acknowledged}))


async def _pace(senders: list[HttpSender | SocketSender], rate: float) -> None:
    """Sends `rate` messages per second, evenly, by one sender after the other."""
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 0
    while True:
        number += 1
        senders[number % len(senders)].send()
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))


def _reset(samples: Samples) -> None:
    samples.sent = samples.acknowledged = samples.refused = samples.delivered = 0
    del samples.acknowledgement[:]
    del samples.delivery[:]


def _result(samples: Samples, elapsed: float) -> dict[str, float]:
    return {
        "seconds": elapsed,
        "acknowledged": samples.acknowledged,
        "refused": samples.refused,
        "delivered": samples.delivered,
        "acknowledgement_p50": percentile(samples.acknowledgement, 0.50),
        "acknowledgement_p99": percentile(samples.acknowledgement, 0.99),
        "delivery_p50": percentile(samples.delivery, 0.50),
        "delivery_p99": percentile(samples.delivery, 0.99),
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    uvloop.run(run(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
