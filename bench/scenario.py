"""A scenario of the load generator, and what came of it. Plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.costs import Costs


@dataclass(frozen=True)
class Scenario:
    """One run of the load generator. `senders`: token and conversation of each; `receivers`: tokens of connections that
    only listen. `gateways`: HTTP and WebSocket port of each; connections take turns, a pair's two ends on different ones.
    `window`: sends of one sender in flight in a closed loop; `rate`: messages per second in all instead of a closed loop."""

    name: str
    transport: str
    senders: Sequence[tuple[str, str]]
    receivers: Sequence[str]
    gateways: Sequence[tuple[int, int]]
    window: int = 1
    rate: float = 0.0
    padding: int = 40
    warm_up: float = 1.5
    seconds: float = 8.0


@dataclass(frozen=True)
class Outcome:
    """What the load generator counted in the measured window, what all that it did has cost, and the seconds that the search
    index needed for the rest when nobody sent any more."""

    scenario: Scenario
    counted: Mapping[str, float]
    costs: Costs
    behind: float = 0.0

    @property
    def sends(self) -> float:
        """Acknowledged messages per second."""
        return self.counted["acknowledged"] / self.counted["seconds"]

    @property
    def deliveries(self) -> float:
        """Messages per second that arrived at receivers."""
        return self.counted["delivered"] / self.counted["seconds"]

    @property
    def messages(self) -> float:
        """All that `costs` is the price of, warm-up included."""
        return max(1.0, self.counted["messages"])
