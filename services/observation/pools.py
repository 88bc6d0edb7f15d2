"""The thread pools of a process as metrics, read when they are scraped: the pools themselves count nothing for it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from services.runtime.pool import BoundedPool


class Pools(Collector):
    """`watch` each pool of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pools: list[BoundedPool] = []
        registry.register(self)

    def watch(self, pool: BoundedPool) -> None:
        self._pools.append(pool)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        workers = GaugeMetricFamily("chatsystem_pool_workers", "Threads that a pool may have.", labels=["pool"])
        running = GaugeMetricFamily("chatsystem_pool_running", "Calls that a pool's threads work on.", labels=["pool"])
        waiting = GaugeMetricFamily("chatsystem_pool_waiting", "Calls that wait for a thread.", labels=["pool"])
        refused = CounterMetricFamily(
            "chatsystem_pool_refused_total", "Calls refused because too many waited.", labels=["pool"]
        )
        for pool in self._pools:
            workers.add_metric([pool.name], pool.workers)
            running.add_metric([pool.name], min(pool.taken, pool.workers))
            waiting.add_metric([pool.name], max(0, pool.taken - pool.workers))
            refused.add_metric([pool.name], pool.refused)
        yield from (workers, running, waiting, refused)
