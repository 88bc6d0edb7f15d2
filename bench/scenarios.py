"""What the load generator does to a system, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.population import GROUP, Pair, Population
from bench.scenario import Scenario

PAIRS = (64, 256)
SLOWLY = 100
"""Messages per second at which latency is looked at."""


STEADILY = 2_000
"""Messages per second under which searches have to see what was sent."""


def scenarios(people: Population, gateways: Sequence[tuple[int, int]], seconds: float) -> Iterator[Scenario]:
    for transport, label in (("http", "HTTP"), ("websocket", "WebSocket")):
        for count in PAIRS:
            yield _one_to_one(f"{label}, {count} pairs", transport, people.pairs[:count], gateways, seconds)
        name = f"{label}, {SLOWLY} messages/s"
        yield _one_to_one(name, transport, people.pairs[:50], gateways, seconds, rate=float(SLOWLY))
    sender, *others = people.members
    yield Scenario(
        f"fan-out to {len(people.members)}",
        "websocket",
        [(sender.token, GROUP)],
        [member.token for member in others],
        gateways,
        window=8,
        seconds=seconds,
    )


def under_load(people: Population, gateways: Sequence[tuple[int, int]], seconds: float) -> Scenario:
    """What goes on while somebody looks when a message can be found."""
    return _one_to_one(
        f"searchable, with {STEADILY} messages/s",
        "websocket",
        people.pairs[:64],
        gateways,
        seconds,
        rate=float(STEADILY),
    )


def _one_to_one(  # noqa: PLR0917 - the fields of a scenario
    name: str,
    transport: str,
    pairs: Sequence[Pair],
    gateways: Sequence[tuple[int, int]],
    seconds: float,
    rate: float = 0.0,
) -> Scenario:
    senders = [(pair.sender.token, pair.chat_session_id) for pair in pairs]
    receivers = [pair.receiver.token for pair in pairs]
    return Scenario(name, transport, senders, receivers, gateways, rate=rate, seconds=seconds)
