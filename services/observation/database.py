"""The Database port, measured: how long changes take to be durable, how many share a commit, what waits, what fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.observation.connection_pools import SECONDS, PoolMetrics
from services.stores.connection_pools import ConnectionPools
from services.stores.groups import GroupCommits
from services.stores.ports import Connection, Database, StoreError

T = TypeVar("T")

WORKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class ObservedDatabase:
    """`database` with metrics in `registry`. Costs a read two additions and a write two observations."""

    def __init__(self, database: Database, registry: CollectorRegistry) -> None:
        self._database = database
        self.dialect = database.dialect
        self.long_reads = database.long_reads
        self._reading = 0
        self._writing = 0
        reads = Gauge(
            "chatsystem_database_reads_running", "Reads that run or wait for a connection.", registry=registry
        )
        reads.set_function(lambda: self._reading)
        writes = Gauge(
            "chatsystem_database_writes_waiting",
            "Changes that are not durable yet: waiting, or in the transaction under way.",
            registry=registry,
        )
        writes.set_function(lambda: self._writing)
        self._seconds = Histogram(
            "chatsystem_database_write_seconds",
            "Time from handing a change in until it was durable.",
            buckets=SECONDS,
            registry=registry,
        )
        failures = Counter(
            "chatsystem_database_failures_total",
            "Reads and changes that failed because of the database.",
            ["operation"],
            registry=registry,
        )
        self._failed_reads = failures.labels("read")
        self._failed_writes = failures.labels("write")
        self._works = Histogram(
            "chatsystem_database_group_works", "Changes that shared one commit.", buckets=WORKS, registry=registry
        )
        self._commit = Histogram(
            "chatsystem_database_commit_seconds",
            "Time of one transaction of changes, from its beginning until it was durable.",
            buckets=SECONDS,
            registry=registry,
        )
        if isinstance(database, GroupCommits):
            database.observe_groups(self)
        if isinstance(database, ConnectionPools):
            PoolMetrics(database, registry)

    def joined(self) -> None:
        """Of services.stores.groups.GroupObserver: metrics need nothing of a single work."""

    def finished(self, joined: Sequence[Any], seconds: float) -> None:
        """Of services.stores.groups.GroupObserver."""
        self._works.observe(len(joined))
        self._commit.observe(seconds)

    async def read(self, work: Callable[[Connection], T]) -> T:
        self._reading += 1
        try:
            return await self._database.read(work)
        except StoreError:
            self._failed_reads.inc()
            raise
        finally:
            self._reading -= 1

    async def write(self, work: Callable[[Connection], T], **how: Any) -> T:
        started = time.perf_counter()
        self._writing += 1
        try:
            result = await self._database.write(work, **how)
        except StoreError:
            self._failed_writes.inc()
            raise
        finally:
            self._writing -= 1
        self._seconds.observe(time.perf_counter() - started)
        return result

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()
