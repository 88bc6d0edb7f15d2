"""The stores of a process as its services get them: measured, and traced where that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from prometheus_client import CollectorRegistry, Gauge

from services.observation.cache import ObservedCache
from services.observation.calls import ObservedRegistry
from services.observation.database import ObservedDatabase
from services.observation.files import ObservedFiles
from services.observation.queue import ObservedQueue
from services.observation.samples import Samples
from services.observation.tracer import Tracer
from services.runtime.health import Readiness
from services.runtime.open_stores import Stores
from services.stores.ports import Database, Queue


def observed_stores(
    stores: Stores, registry: CollectorRegistry, samples: Samples, clock: Callable[[], float], tracer: Tracer | None
) -> Stores:
    """`stores` with metrics in `registry` and, with a tracer, spans."""
    return replace(
        stores,
        database=stores.database and _database(stores.database, registry, tracer),
        cache=stores.cache and ObservedCache(stores.cache, registry),
        queue=stores.queue and _queue(stores.queue, registry, samples, clock, tracer),
        files=stores.files and ObservedFiles(stores.files, registry),
        registry=stores.registry and ObservedRegistry(stores.registry, registry),
    )


def _database(database: Database, registry: CollectorRegistry, tracer: Tracer | None) -> Database:
    observed = ObservedDatabase(database, registry)
    if tracer is None:
        return observed
    from services.observation.traced_stores import TracedDatabase

    return TracedDatabase(observed, tracer, database)


def _queue(
    queue: Queue, registry: CollectorRegistry, samples: Samples, clock: Callable[[], float], tracer: Tracer | None
) -> Queue:
    observed = ObservedQueue(queue, registry, samples, clock)
    if tracer is None:
        return observed
    from services.observation.traced_stores import TracedQueue

    return TracedQueue(observed, tracer)


def observe_readiness(readiness: Readiness, registry: CollectorRegistry, samples: Samples) -> None:
    """Readiness and its checks as metrics: what /readyz says, for those who only scrape."""
    ready = Gauge("chatsystem_ready", "1 if the process takes work, as /readyz says.", registry=registry)
    check = Gauge(
        "chatsystem_check_ok", "1 if a check of /readyz succeeds, by what it asks.", ["check"], registry=registry
    )

    async def take() -> None:
        is_ready, checks = await readiness.outcome()
        ready.set(is_ready)
        for name, result in checks.items():
            check.labels(name).set(result == "ok")

    samples.add("readiness", take)
