"""The metrics that every process has, whatever it hosts: its memory and CPU, and how promptly its event loop turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

_PERIOD = 1.0


def installed_version() -> str:
    """Version of this package; "unknown" in a source tree that was never installed."""
    try:
        return version("chatsystem")
    except PackageNotFoundError:
        return "unknown"


def process_metrics(instance: str, services: Iterable[str]) -> CollectorRegistry:
    """A registry of its own, so that two processes' worth of services can live in one test."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the time of a counter's start, once more for each: process_start_time_seconds says it
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    Gauge("chatsystem_build_info", "1, with the version that runs.", ["version"], registry=registry).labels(
        installed_version()
    ).set(1)
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
