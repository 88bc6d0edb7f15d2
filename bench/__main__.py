"""`make bench`: starts a system of its own, puts it under load, prints what it measured, and stops it.

One process with all services and embedded stores, SQLite with synchronous=FULL, load generator on the same machine, all on
the loopback interface. `--only TEXT` runs the scenarios whose name contains the text, `--seconds` shortens the windows.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sys
import tempfile
from pathlib import Path

from bench.measure import Outcome, Scenario, memory, run
from bench.population import Population, populate
from bench.report import fan_out, idle, table
from bench.start_up import start_up
from tests.testbed.system import System

MEMBERS = 500
PAIRS = (64, 256)
IDLE = 5000


def scenarios(system: System, people: Population, seconds: float) -> list[Scenario]:
    ports = {"http_port": system.http_port, "websocket_port": system.websocket_port, "seconds": seconds}
    made: list[Scenario] = []
    for transport, label in (("http", "HTTP"), ("websocket", "WebSocket")):
        for count in PAIRS:
            pairs = people.pairs[:count]
            made.append(
                Scenario(
                    f"{label}, {count} pairs",
                    transport,
                    [(pair.sender.token, pair.chat_session_id) for pair in pairs],
                    [pair.receiver.token for pair in pairs],
                    **ports,  # type: ignore[arg-type]
                )
            )
        pairs = people.pairs[:50]
        made.append(
            Scenario(
                f"{label}, 100 messages/s",
                transport,
                [(pair.sender.token, pair.chat_session_id) for pair in pairs],
                [pair.receiver.token for pair in pairs],
                rate=100.0,
                **ports,  # type: ignore[arg-type]
            )
        )
    sender, *others = people.members
    made.append(
        Scenario(
            f"fan-out to {len(people.members)}",
            "websocket",
            [(sender.token, people.group)],
            [member.token for member in others],
            window=8,
            **ports,  # type: ignore[arg-type]
        )
    )
    return made


def idle_scenario(system: System, people: Population) -> Scenario:
    tokens = [person.token for pair in people.pairs for person in (pair.sender, pair.receiver)]
    tokens += [member.token for member in people.members]
    return Scenario(
        f"{IDLE} idle connections",
        "websocket",
        [],
        [tokens[number % len(tokens)] for number in range(IDLE)],
        system.http_port,
        system.websocket_port,
        warm_up=0.0,
        seconds=0.1,
        rest=3.0,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help="run the scenarios whose name contains this text")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a measured window (default: 8)")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped

    busy = os.getloadavg()[0]
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load before {busy:.1f}, Python {platform.python_version()}")
    if busy > 0.5:
        print("other work runs on this machine: only CPU time and memory tell something", file=sys.stderr)
    if not options.only:
        with tempfile.TemporaryDirectory(prefix="chatsystem-bench-") as folder:
            print(start_up(Path(folder)), flush=True)
    with tempfile.TemporaryDirectory(prefix="chatsystem-bench-") as folder:
        system = System(Path(folder), settings={"CHATSYSTEM_GATEWAY_ACCEPT_RATE": "100000"})
        try:
            system.start()
            _measure(system, options.only, options.seconds)
        finally:
            system.stop()
    return 0


def _measure(system: System, only: str, seconds: float) -> None:
    people = populate(system.directory / "chat.db", max(PAIRS), MEMBERS)
    services = [process.pid for process in system.processes.values()]
    stores = [system.valkey.process.pid]
    print(
        f"memory after the start: {memory(services) / 1e6:.0f} MB, stores {memory(stores) / 1e6:.0f} MB\n", flush=True
    )

    chosen = idle_scenario(system, people)
    if only.lower() in chosen.name.lower():
        before = memory(services)
        print(idle(before, run(chosen, services, stores)) + "\n", flush=True)
    outcomes: list[Outcome] = []
    for scenario in scenarios(system, people, seconds):
        if only.lower() in scenario.name.lower():
            print(f"… {scenario.name}", file=sys.stderr, flush=True)
            outcomes.append(run(scenario, services, stores))
    print(table(outcomes))
    for outcome in outcomes:
        if outcome.scenario.name.startswith("fan-out"):
            print("\n" + fan_out(outcome))


if __name__ == "__main__":
    raise SystemExit(main())
