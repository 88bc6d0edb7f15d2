"""CPU time and memory of the system under load, and running the load generator against it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Scenario:
    """One run of the load generator. `senders`: token and conversation of each; `receivers`: tokens of connections that
    only listen. `window`: sends of one sender in flight in a closed loop; `rate`: messages per second in all instead of a
    closed loop; `rest`: seconds in which the connections do nothing before anybody sends."""

    name: str
    transport: str
    senders: Sequence[tuple[str, str]]
    receivers: Sequence[str]
    http_port: int
    websocket_port: int
    window: int = 1
    rate: float = 0.0
    padding: int = 40
    warm_up: float = 1.5
    seconds: float = 8.0
    rest: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What the load generator counted and what it cost the services. `cpu` and `store_cpu` in seconds, `memory` and
    `rested_memory` in bytes."""

    scenario: Scenario
    counted: dict[str, float]
    cpu: float
    store_cpu: float
    memory: int
    rested_memory: int

    @property
    def sends(self) -> float:
        """Acknowledged messages per second."""
        return self.counted["acknowledged"] / self.counted["seconds"]

    @property
    def deliveries(self) -> float:
        return self.counted["delivered"] / self.counted["seconds"]


def cpu(pids: Sequence[int]) -> float:
    """Seconds of CPU that the processes have used."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def memory(pids: Sequence[int]) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in pids)


def run(scenario: Scenario, services: Sequence[int], stores: Sequence[int]) -> Outcome:
    """Runs the load generator against processes of which `services` are the data plane's and `stores` the stores'.

    Raises RuntimeError if it fails or takes much longer than it should.
    """
    generator = subprocess.Popen(
        [sys.executable, "-m", "bench.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert generator.stdin is not None
    assert generator.stdout is not None
    overdue = threading.Timer(60 + scenario.warm_up + scenario.seconds + scenario.rest, generator.kill)
    overdue.start()
    spent = store_spent = 0.0
    rested = 0
    counted: dict[str, float] | None = None
    try:
        generator.stdin.write(json.dumps(asdict(scenario)))
        generator.stdin.close()
        for line in generator.stdout:
            match line.strip():
                case "rested":
                    rested = memory(services)
                case "begin":
                    spent, store_spent = -cpu(services), -cpu(stores)
                case "end":
                    spent, store_spent = spent + cpu(services), store_spent + cpu(stores)
                case text:
                    counted = json.loads(text)
    finally:
        overdue.cancel()
        generator.kill()
        generator.wait()
    if counted is None:
        raise RuntimeError(f"the load generator failed in scenario {scenario.name!r}; its error is above")
    return Outcome(scenario, counted, spent, store_spent, memory(services), rested)
