"""Two revisions in one run, under the same load at the same time of day: `make bench BASE=<revision>`.

Both run side by side, each with stores of its own, and take turns under load, so that what else the machine does and what
state it is in hits them alike. This revision's benchmark measures both.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.generator import run
from bench.record import inhabitants, prepare
from bench.report import markdown, microseconds
from bench.scenario import Outcome
from bench.scenarios import scenarios
from bench.subject import Setup, started
from tests.testbed.system import ROOT

ROUNDS = 3


def compare(setup: Setup, base: str, *, only: str, seconds: float) -> str:
    """A table: this revision in relation to `base`, a name that git knows. Raises subprocess.CalledProcessError for one
    that it does not know."""
    with checked_out(base) as code, started(setup, code) as old, started(setup) as new:
        people = inhabitants()
        for subject in (old, new):
            subject.inhabit(people)
            if setup.stores == "production":
                prepare(subject)
        rows = []
        names = [
            scenario.name
            for scenario in scenarios(people, old.gateways, seconds)
            if only.lower() in scenario.name.lower()
        ]
        for name in names:
            pairs = []
            for number in range(ROUNDS):
                print(f"… {name}, {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
                before, after = (
                    next(
                        run(scenario, subject)
                        for scenario in scenarios(people, subject.gateways, seconds)
                        if scenario.name == name
                    )
                    for subject in (old, new)
                )
                pairs.append((before, after))
            rows.append(_row(name, pairs))
    return markdown(
        [
            "scenario",
            f"CPU µs, {base}",
            "CPU µs, here",
            "ratio (lowest to highest)",
            "messages/s, ratio (lowest to highest)",
        ],
        rows,
    )


def _row(name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> list[str]:
    before, after = (statistics.median(cost(pair[side]) for pair in pairs) for side in (0, 1))
    return [
        name,
        microseconds(before),
        microseconds(after),
        spread([cost(new) / cost(old) for old, new in pairs]),
        spread([new.sends / old.sends for old, new in pairs]),
    ]


def cost(outcome: Outcome) -> float:
    """Seconds of CPU per message, of services and stores."""
    return sum(outcome.costs.cpu.values()) / outcome.messages


def spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """The files of a revision, in a folder of their own that is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="chatsystem-base-") as folder:
        code = Path(folder) / "code"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(code), revision], check=True)
        try:
            yield code
        finally:
            subprocess.run([*git, "remove", "--force", str(code)], check=True)
