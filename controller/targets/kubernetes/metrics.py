"""What the controller measures of itself, for Prometheus. Decides nothing.

A system has series of its own only for what a person acts on, and only at the controller that leads: elsewhere they would be
what somebody once believed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from controller.engine.observer import Ending
from controller.engine.reasons import Reason

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
LONG = (0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
INTENDED = frozenset({Reason.SUSPENDED, Reason.DELETING, Reason.PAUSED})
"""Reasons for which a system is not Ready because a person wants it so."""


@dataclass(frozen=True)
class Reading:
    """What is read when it is scraped."""

    leads: bool
    waiting: int
    """Systems that are due and wait for a worker."""
    unsynced: float
    """Seconds since the watch that has been without everything for longest; 0: none is."""
    restarts: Mapping[str, int]
    """By kind, how often its watch had to begin anew with a list."""


class Metrics(Collector):
    """Implements LoopObserver. `version` of this controller, `read` is asked at each scrape."""

    def __init__(self, version: str, read: Callable[[], Reading], clock: Callable[[], float] = time.monotonic) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # process_start_time_seconds says it once
        self._version = version
        self._read = read
        self._clock = clock
        self._conditions: dict[str, dict[str, tuple[str, str]]] = {}
        self._failing: set[str] = set()
        self._unreacted: dict[str, float] = {}
        self._unconverged: dict[str, float] = {}
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        passes = Counter(
            "chatsystem_controller_passes_total",
            "Passes over a system, by result (settled, again: it looks again by itself, failed, crashed: an error of its own).",
            ["result"],
            registry=self._registry,
        )
        self._passes = {ending: passes.labels(str(ending)) for ending in Ending}
        self._pass = Histogram(
            "chatsystem_controller_pass_seconds",
            "Time of one pass over a system.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._wait = Histogram(
            "chatsystem_controller_queue_wait_seconds",
            "Time from when a system was due until a worker took it.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._reaction = Histogram(
            "chatsystem_controller_reaction_seconds",
            "Time from hearing of a changed declaration until a pass had applied what of it waits for nothing.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._convergence = Histogram(
            "chatsystem_controller_convergence_seconds",
            "Time from hearing of a changed declaration until all of it was applied and the system was Ready.",
            buckets=LONG,
            registry=self._registry,
        )
        self._writes = Counter(
            "chatsystem_controller_writes_total",
            "Writes to the API server, by kind of object and result (ok, refused, unanswered, fenced: it did not lead any more).",
            ["verb", "kind", "result"],
            registry=self._registry,
        )
        self._registry.register(self)

    def text(self) -> bytes:
        """As Prometheus scrapes it."""
        return generate_latest(self._registry)

    def wrote(self, verb: str, kind: str, result: str) -> None:
        self._writes.labels(verb, kind, result).inc()

    def heard(self, system: str) -> None:
        now = self._clock()
        self._unreacted.setdefault(system, now)
        self._unconverged[system] = now

    def waited(self, seconds: float) -> None:
        self._wait.observe(seconds)

    def reported(self, system: str, status: Mapping[str, Any]) -> None:
        self._conditions[system] = {
            condition["type"]: (condition["status"], condition["reason"]) for condition in status["conditions"]
        }

    def passed(self, system: str, ending: Ending, seconds: float) -> None:
        self._passes[ending].inc()
        self._pass.observe(seconds)
        if ending in {Ending.FAILED, Ending.CRASHED}:
            self._failing.add(system)
            return
        self._failing.discard(system)
        now = self._clock()
        self._over(self._unreacted, system, now - seconds, self._reaction)
        if self._conditions.get(system, {}).get("Ready", ("", ""))[0] == "True":
            self._over(self._unconverged, system, now - seconds, self._convergence)

    def forgotten(self, system: str) -> None:
        self._failing.discard(system)
        for known in (self._conditions, self._unreacted, self._unconverged):
            known.pop(system, None)

    def resigned(self) -> None:
        """It leads no more: of systems it knows nothing."""
        for system in {*self._conditions, *self._failing, *self._unconverged}:
            self.forgotten(system)

    def _over(self, since: dict[str, float], system: str, begun: float, histogram: Histogram) -> None:
        """A pass that began before the change was heard of says nothing about it."""
        heard = since.get(system)
        if heard is not None and heard <= begun:
            histogram.observe(self._clock() - since.pop(system))

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        reading = self._read()
        info = GaugeMetricFamily(
            "chatsystem_controller_info", "1, with the version of the controller.", labels=["version"]
        )
        info.add_metric([self._version], 1)
        yield info
        yield GaugeMetricFamily(
            "chatsystem_controller_leader", "1 at the controller that leads, 0 at one that stands by.", reading.leads
        )
        yield GaugeMetricFamily(
            "chatsystem_controller_queue_waiting", "Systems that are due and wait for a worker.", reading.waiting
        )
        yield GaugeMetricFamily(
            "chatsystem_controller_unsynced_seconds",
            "Time since the controller has not known all objects of some kind; 0 while it knows them.",
            reading.unsynced,
        )
        restarts = CounterMetricFamily(
            "chatsystem_controller_watch_restarts_total",
            "Watches that ended in a way that everything of the kind had to be listed anew.",
            labels=["kind"],
        )
        for kind, count in sorted(reading.restarts.items()):
            restarts.add_metric([kind], count)
        yield restarts
        yield from self._of_systems()

    def _of_systems(self) -> Iterator[GaugeMetricFamily]:
        counts: dict[tuple[str, str], int] = {}
        ready = GaugeMetricFamily(
            "chatsystem_controller_system_ready",
            "Whether the system is Ready. Absent for one that is paused, suspended or being deleted.",
            labels=["system"],
        )
        for system, conditions in sorted(self._conditions.items()):
            for type_, (status, _) in conditions.items():
                counts[type_, status] = counts.get((type_, status), 0) + 1
            if not INTENDED & {reason for _, reason in conditions.values()}:
                ready.add_metric([system], conditions["Ready"][0] == "True")
        systems = GaugeMetricFamily(
            "chatsystem_controller_systems",
            "Systems by condition and its status (True, False, Unknown).",
            labels=["condition", "status"],
        )
        for key, count in sorted(counts.items()):
            systems.add_metric(key, count)
        failing = GaugeMetricFamily(
            "chatsystem_controller_system_failing",
            "1 for each system whose last pass failed; absent for the others.",
            labels=["system"],
        )
        for system in sorted(self._failing):
            failing.add_metric([system], 1)
        yield from (systems, ready, failing)
