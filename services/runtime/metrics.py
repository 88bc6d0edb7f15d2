"""The metrics that every process has, whatever it hosts: its memory and CPU, and how promptly its event loop turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.process_collector import ProcessCollector

_PERIOD = 1.0


def process_metrics(instance: str, services: Iterable[str]) -> CollectorRegistry:
    """A registry of its own, so that two processes' worth of services can live in one test."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    hosted = Gauge(
        "chatsystem_service_hosted", "1 for each service of this process.", ["service", "instance"], registry=registry
    )
    for service in services:
        hosted.labels(service, instance).set(1)
    return registry


async def watch_event_loop(registry: CollectorRegistry) -> None:
    """Measures until cancelled how much later than asked the loop runs something, in seconds."""
    lag = Gauge("chatsystem_event_loop_lag_seconds", "How late the event loop last was.", registry=registry)
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _PERIOD
        await asyncio.sleep(_PERIOD)
        lag.set(max(0.0, loop.time() - due))
