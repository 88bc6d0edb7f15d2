"""The table of a campaign: what was broken, for how long, and how long the system needed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.faults import Round
from tests.chaos.recovery import Recovery


@dataclass(frozen=True)
class Entry:
    """One round. `silence`: the longest time without an acknowledgement, from the strike on, in seconds. `recovery` is None
    if the system did not come back in time, which `missing` then explains."""

    round: Round
    silence: float
    recovery: Recovery | None
    missing: str = ""


def name_of(strikes: Round) -> str:
    return " + ".join(str(strike) for strike in strikes)


def line(entry: Entry) -> str:
    times = "did not recover: " + entry.missing
    if entry.recovery is not None:
        found = entry.recovery
        times = f"{found.seconds:8.1f} {found.rate:8.1f} {found.ready:8.1f} {found.pulse:8.1f}"
    return f"{name_of(entry.round):44} {entry.silence:8.1f} {times}"


def table(entries: Sequence[Entry]) -> str:
    """All rounds, the slowest first."""
    head = f"{'fault':44} {'silence':>8} {'normal':>8} {'rate':>8} {'ready':>8} {'push,find':>9}"
    ordered = sorted(entries, key=lambda entry: -(entry.recovery.seconds if entry.recovery else float("inf")))
    return "\n".join([head, "-" * len(head), *map(line, ordered)])
