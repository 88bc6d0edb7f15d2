"""Calls to other processes, measured, and the replicas that there are to call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram

from services.runtime.rpc import Remote
from services.stores.ports import Instance, Registry


def observed_calls(remote: Remote, registry: CollectorRegistry) -> Remote:
    """`remote` with its calls by method and result in `registry`."""
    seconds = Histogram(
        "chatsystem_rpc_call_seconds",
        "Time of a call to another process, by result (ok, refused: a business failure, unavailable).",
        ["service", "method", "result"],
        buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
        registry=registry,
    )
    known: dict[tuple[str, str, str], Histogram] = {}
    """Filled as methods are called: all of them would be a thousand lines of zeros."""

    async def call(service: str, method: str, request: Any, timeout: float) -> Any:
        started = time.perf_counter()
        result = "unavailable"
        try:
            response = await remote(service, method, request, timeout)
            result = "ok" if response.success else "refused"
        finally:
            key = service, method, result
            histogram = known.get(key)
            if histogram is None:
                histogram = known[key] = seconds.labels(*key)
            histogram.observe(time.perf_counter() - started)
        return response

    return call


class ObservedRegistry:
    """`registry` with the number of replicas that it names for each service in `metrics`."""

    def __init__(self, registry: Registry, metrics: CollectorRegistry) -> None:
        self._registry = registry
        self._replicas = Gauge(
            "chatsystem_registry_replicas",
            "Replicas of a service that this process knows of.",
            ["service"],
            registry=metrics,
        )

    async def watch(self, changed: Callable[[str, list[Instance]], None]) -> None:
        def counted(service: str, instances: list[Instance]) -> None:
            self._replicas.labels(service).set(len(instances))
            changed(service, instances)

        await self._registry.watch(counted)

    async def register(self, instance: Instance) -> None:
        await self._registry.register(instance)

    async def deregister(self, instance: Instance) -> None:
        await self._registry.deregister(instance)

    async def instances(self, service: str) -> list[Instance]:
        return await self._registry.instances(service)

    async def ping(self) -> None:
        await self._registry.ping()

    async def close(self) -> None:
        await self._registry.close()
