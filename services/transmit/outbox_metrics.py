"""The outbox as metrics: how many events wait in it and for how long, and what the relay does about it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.runtime.context import Runtime
from services.stores.ports import Connection

MOST_ROWS = 100_000
"""Rows are counted up to here: a count of millions would be a load of its own."""


class RelayMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.relayed = Counter(
            "chatsystem_outbox_relayed_total", "Events brought from the outbox to the queue.", registry=registry
        )
        self.failures = Counter(
            "chatsystem_outbox_relay_failures_total",
            "Attempts to relay the outbox that failed, because the database or the queue was away.",
            registry=registry,
        )


class OutboxFigures:
    """Taken when the metrics are scraped. All replicas see the same outbox: use max(), not sum()."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._clock = runtime.clock
        self._rows = Gauge(
            "chatsystem_outbox_rows",
            f"Events that wait in the outbox, counted up to {MOST_ROWS}; the same in every replica.",
            registry=runtime.metrics,
        )
        self._oldest = Gauge(
            "chatsystem_outbox_oldest_seconds",
            "Age of the oldest event in the outbox, 0 if there is none; the same in every replica.",
            registry=runtime.metrics,
        )
        runtime.samples.add("outbox", self._take)

    async def _take(self) -> None:
        rows, oldest = await self._database.read(_look)
        self._rows.set(rows)
        self._oldest.set(0.0 if oldest is None else max(0.0, self._clock() - oldest / 1000))


def _look(connection: Connection) -> tuple[int, int | None]:
    first = connection.execute("SELECT created_at FROM outbox ORDER BY id LIMIT 1")
    if not first:
        return 0, None
    sql = "SELECT COUNT(*) FROM (SELECT id FROM outbox LIMIT ?) AS waiting"
    return int(connection.execute(sql, [MOST_ROWS])[0][0]), int(first[0][0])
