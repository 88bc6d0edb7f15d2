"""Runs the load generator (load.py) in a process of its own, and takes what the system spent meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict

from bench.costs import Costs
from bench.scenario import Outcome, Scenario
from bench.subject import Subject
from tests.testbed.system import ROOT


def run(scenario: Scenario, subject: Subject, under_load: Callable[[], None] | None = None) -> Outcome:
    """The costs are those of everything that the messages caused, until the last of them can be searched for: what waits in
    a queue at the end has not been paid for by anybody else. `under_load` is called in the measured window, which may be
    over before it returns.

    Raises RuntimeError if the load generator fails or takes much longer than it should.
    """
    generator = subprocess.Popen(
        [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert generator.stdin is not None
    assert generator.stdout is not None
    overdue = threading.Timer(60 + scenario.warm_up + scenario.seconds, generator.kill)
    overdue.start()
    before = Costs()
    counted: dict[str, float] | None = None
    try:
        generator.stdin.write(json.dumps(asdict(scenario)))
        generator.stdin.close()
        for line in generator.stdout:
            match line.strip():
                case "connected":
                    before = Costs.of(subject.groups)
                case "begin" if under_load is not None:
                    under_load()
                case "begin":
                    pass
                case text:
                    counted = json.loads(text)
    finally:
        overdue.cancel()
        generator.kill()
        generator.wait()
    if counted is None:
        raise RuntimeError(f"the load generator failed in scenario {scenario.name!r}; its error is above")
    behind = subject.indexed()
    return Outcome(scenario, counted, Costs.of(subject.groups).since(before), behind)
