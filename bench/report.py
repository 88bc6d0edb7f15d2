"""The table that `make bench` prints. Pure: measurements in, Markdown out."""

from __future__ import annotations

from bench.measure import Outcome


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def table(outcomes: list[Outcome]) -> str:
    """One row for each scenario with senders."""
    lines = [
        "| scenario | acknowledged/s | refused | delivered/s | ack p50 / p99 ms | delivery p50 / p99 ms"
        " | CPU per message µs | of stores µs | RSS MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for outcome in outcomes:
        counted = outcome.counted
        messages = max(1.0, counted["acknowledged"])
        lines.append(
            f"| {outcome.scenario.name} | {outcome.sends:,.0f} | {counted['refused']:,.0f} | {outcome.deliveries:,.0f}"
            f" | {milliseconds(counted['acknowledgement_p50'])} / {milliseconds(counted['acknowledgement_p99'])}"
            f" | {milliseconds(counted['delivery_p50'])} / {milliseconds(counted['delivery_p99'])}"
            f" | {outcome.cpu / messages * 1e6:.0f} | {outcome.store_cpu / messages * 1e6:.0f}"
            f" | {outcome.memory / 1e6:.0f} |"
        )
    return "\n".join(lines)


def fan_out(outcome: Outcome) -> str:
    delivered = max(1.0, outcome.counted["delivered"])
    return (
        f"fan-out: {outcome.deliveries:,.0f} deliveries/s to {len(outcome.scenario.receivers)} members,"
        f" {outcome.cpu / delivered * 1e6:.1f} µs of CPU each"
    )


def idle(before: int, outcome: Outcome) -> str:
    count = len(outcome.scenario.receivers)
    return f"idle: {count} connections, {(outcome.rested_memory - before) / count / 1024:.1f} KiB each"
