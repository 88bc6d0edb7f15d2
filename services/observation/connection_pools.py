"""The pools of connections of a database as metrics: read when they are scraped, and told of waits and repetitions."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.stores.connection_pools import CONNECTION, DEADLOCK, ConnectionPools

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class PoolMetrics:
    """See services.stores.connection_pools.PoolObserver."""

    def __init__(self, database: ConnectionPools, registry: CollectorRegistry) -> None:
        connections = Gauge(
            "chatsystem_database_connections", "Connections that a pool may have.", ["pool"], registry=registry
        )
        in_use = Gauge(
            "chatsystem_database_connections_in_use", "Connections that are at work.", ["pool"], registry=registry
        )
        waiting = Gauge(
            "chatsystem_database_pool_waiting", "Works that wait for a connection.", ["pool"], registry=registry
        )
        waits = Histogram(
            "chatsystem_database_pool_wait_seconds",
            "Time from handing a work in until a connection took it.",
            ["pool"],
            buckets=SECONDS,
            registry=registry,
        )
        repetitions = Counter(
            "chatsystem_database_repetitions_total",
            "Transactions that were begun again, by reason (deadlock: the server undid it for another one, connection: it was lost).",
            ["pool", "reason"],
            registry=registry,
        )
        names = [pool.name for pool in database.pools()]
        for position, pool in enumerate(database.pools()):
            connections.labels(pool.name).set(pool.connections)
            in_use.labels(pool.name).set_function(partial(lambda at: database.pools()[at].in_use, position))
            waiting.labels(pool.name).set_function(partial(lambda at: database.pools()[at].waiting, position))
        self._waits = {name: waits.labels(name) for name in names}
        self._repetitions = {
            (name, reason): repetitions.labels(name, reason) for name in names for reason in (DEADLOCK, CONNECTION)
        }
        database.observe_pools(self)

    def waited(self, pool: str, seconds: float) -> None:
        self._waits[pool].observe(seconds)

    def repeated(self, pool: str, reason: str) -> None:
        self._repetitions[pool, reason].inc()
