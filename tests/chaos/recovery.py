"""When a system was back to normal: a pure judgement of what was observed after the parts returned."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 1.0
"""Seconds over which a rate is counted."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from the return of the last part until sends were acknowledged at the rate again, until every process was
    ready, and until a message was pushed to the other gateway's connection and found by a search of the index."""

    rate: float
    ready: float
    pulse: float

    @property
    def seconds(self) -> float:
        return max(self.rate, self.ready, self.pulse)


def resumed(acknowledged: Sequence[float], since: float, rate: float) -> float | None:
    """The first moment from `since` on after which a whole window holds acknowledgements at `rate` per second; None if there
    was none yet. `acknowledged`: their times, in order."""
    needed = max(1, round(rate * WINDOW))
    first = bisect_left(acknowledged, since)
    for begin in (since, *acknowledged[first:]):
        last = bisect_left(acknowledged, begin) + needed - 1
        if last >= len(acknowledged):
            return None
        if acknowledged[last] <= begin + WINDOW:
            return begin
    return None
