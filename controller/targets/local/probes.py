"""Probes: does the port answer, does the path say 200. On the event loop, without a thread or a connection kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controller.blueprint.workload import Probe
from controller.targets.local.ports import LOOPBACK

EAGER = 0.05
"""Seconds between probes of something that has just started: readiness is to be noticed at once."""
EAGER_FOR = 10.0
LONGEST = 300


async def probe(port: int, path: str | None, timeout: float, ask: str = "") -> str:
    """Empty if it passes, otherwise why not. The arguments are those of the blueprint's Probe."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                if path:
                    return await _get(reader, writer, path)
                return await _ask(reader, writer, ask) if ask else ""
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except ConnectionRefusedError:
        return f"nothing listens on port {port} yet"
    except TimeoutError:
        return f"port {port} does not answer within {timeout:g} s"
    except (OSError, ValueError) as error:
        return f"port {port}: {error.strerror if isinstance(error, OSError) and error.strerror else error}"


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> str:
    writer.write(f"{line}\r\n".encode())
    return "" if await reader.read(1) else f"it closes the connection without an answer to {line}"


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> str:
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read(16_384)
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        return "it answers, but not in HTTP"
    if words[1] == b"200":
        return ""
    return f"{path} answers {words[1].decode('ascii', 'replace')} {body.decode('utf-8', 'replace')[:LONGEST]}".strip()


@dataclass
class Pulse:
    """What is known of one instance's probes. Times of the monotonic clock, None: never."""

    first: float
    asked: float | None = None
    ready: bool = False
    ever_ready: bool = False
    message: str = ""
    answered: float | None = None
    """When it last showed life."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Prober:
    """Keeps the pulses of running instances, one probe of each at a time, so that one that hangs delays no other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pulses: dict[str, Pulse] = {}

    def pulse(self, instance: str) -> Pulse | None:
        return self._pulses.get(instance)

    def ask(self, instance: str, ready: Probe | None, live: Probe | None, ports: Mapping[str, int]) -> Pulse:
        """Begins a probe of the instance if one is due, and returns what is known so far."""
        now = self._clock()
        pulse = self._pulses.setdefault(instance, Pulse(first=now, answered=now))
        if pulse.task is not None and not pulse.task.done():
            return pulse
        interval = ready.interval if ready is not None else 5.0
        if not pulse.ready:
            interval = EAGER if now - pulse.first < EAGER_FOR else min(interval, 0.5)
        if pulse.asked is None or now - pulse.asked >= interval:
            pulse.asked = now
            pulse.task = asyncio.create_task(self._probe(pulse, ready, live, ports))
        return pulse

    async def first_answer(self, pulse: Pulse, timeout: float) -> None:
        """Waits for the probe under way, so that whoever looks for the first time sees something."""
        if pulse.task is not None and not pulse.task.done():
            await asyncio.wait([pulse.task], timeout=timeout)

    def forget(self, keep: set[str], prefix: str) -> None:
        """Drops the pulses of instances of the system `prefix` that are not among `keep`."""
        for instance in [name for name in self._pulses if name.startswith(prefix) and name not in keep]:
            pulse = self._pulses.pop(instance)
            if pulse.task is not None:
                pulse.task.cancel()

    async def _probe(self, pulse: Pulse, ready: Probe | None, live: Probe | None, ports: Mapping[str, int]) -> None:
        message = await _one(ready, ports)
        if message and live is not None and (live.path, live.port) != (ready and (ready.path, ready.port)):
            alive = not await _one(live, ports)
        else:
            alive = not message
        now = self._clock()
        pulse.ready, pulse.message = not message, message
        pulse.ever_ready = pulse.ever_ready or pulse.ready
        if alive:
            pulse.answered = now


async def _one(wanted: Probe | None, ports: Mapping[str, int]) -> str:
    if wanted is None:
        return ""
    return await probe(ports[wanted.port], wanted.path, wanted.timeout, wanted.ask)
