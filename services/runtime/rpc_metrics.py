"""What a process tells about its calls to others."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from prometheus_client import CollectorRegistry, Gauge, Histogram


def batch_metrics(registry: CollectorRegistry, under_way: Mapping[str, Sized]) -> Histogram:
    """The calls that shared a message, by service. `under_way` has the calls of each service at any time."""
    waiting = Gauge(
        "chatsystem_rpc_calls_under_way",
        "Calls to other processes over shared streams that are not answered yet.",
        ["service"],
        registry=registry,
    )
    for service, calls in under_way.items():
        waiting.labels(service).set_function(calls.__len__)
    return Histogram(
        "chatsystem_rpc_batch_calls",
        "Calls to another process that shared one message.",
        ["service"],
        buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        registry=registry,
    )
