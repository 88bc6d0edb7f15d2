"""The tables that `make bench` prints. Pure: measurements in, Markdown out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.scenario import Outcome
from bench.subject import Subject


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.1f}" if seconds < 1e-5 else f"{seconds * 1e6:.0f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def messages(outcomes: Sequence[Outcome]) -> str:
    """What the load generator saw, and CPU per acknowledged message of services and stores."""
    return markdown(
        [
            "scenario",
            "acknowledged/s",
            "refused",
            "delivered/s",
            "ack p50 / p99 ms",
            "delivery p50 / p99 ms",
            "index behind s",
        ],
        [
            [
                outcome.scenario.name,
                f"{outcome.sends:,.0f}",
                f"{outcome.counted['refused']:,.0f}",
                f"{outcome.deliveries:,.0f}",
                f"{milliseconds(outcome.counted['acknowledgement_p50'])} / {milliseconds(outcome.counted['acknowledgement_p99'])}",
                f"{milliseconds(outcome.counted['delivery_p50'])} / {milliseconds(outcome.counted['delivery_p99'])}",
                f"{outcome.behind:.1f}",
            ]
            for outcome in outcomes
        ],
    )


def processor(outcomes: Sequence[Outcome], subject: Subject) -> str:
    """CPU per message in microseconds, by process."""
    names = [*subject.services, *subject.stores]
    return markdown(
        ["CPU µs per message", "sum", *names],
        [
            [
                outcome.scenario.name,
                microseconds(outcome.costs.total(names) / outcome.messages),
                *(microseconds(outcome.costs.cpu[name] / outcome.messages) for name in names),
            ]
            for outcome in outcomes
        ],
    )


def memory(outcomes: Sequence[Outcome], subject: Subject) -> str:
    """Resident memory in MB after each scenario, by process."""
    names = [*subject.services, *subject.stores]
    return markdown(
        ["memory MB after", *names],
        [
            [outcome.scenario.name, *(f"{outcome.costs.memory[name] / 1e6:.0f}" for name in names)]
            for outcome in outcomes
        ],
    )


def fan_out(outcome: Outcome, subject: Subject) -> str:
    receivers = len(outcome.scenario.receivers)
    spent = outcome.costs.total([*subject.services, *subject.stores])
    return (
        f"fan-out: {outcome.deliveries:,.0f} deliveries/s to {receivers} members,"
        f" {microseconds(spent / (outcome.messages * receivers))} µs of CPU each"
    )
