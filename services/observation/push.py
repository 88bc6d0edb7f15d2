"""The push bus as metrics, read when they are scraped."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from services.runtime.push import PushBus


class PushCollector(Collector):
    def __init__(self, bus: PushBus) -> None:
        self._bus = bus

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        tally = self._bus.tally
        yield CounterMetricFamily(
            "chatsystem_push_batches_total", "Batches of notifications handed to the push bus.", tally.batches
        )
        yield GaugeMetricFamily(
            "chatsystem_push_waiting", "Batches that wait to be sent to other replicas.", tally.waiting
        )
        yield CounterMetricFamily(
            "chatsystem_push_remote_total", "Batches sent to another gateway replica.", tally.remote
        )
        yield CounterMetricFamily(
            "chatsystem_push_received_total", "Batches that came from another process.", tally.received
        )
        dropped = CounterMetricFamily(
            "chatsystem_push_dropped_total",
            "Batches that other replicas did not get, by reason (backlog, cache); clients fetch what they missed.",
            labels=["reason"],
        )
        dropped.add_metric(["backlog"], tally.dropped_backlog)
        dropped.add_metric(["cache"], tally.dropped_cache)
        yield dropped
