"""The Database port on MySQL or MariaDB: a few connections, each with a thread, because PyMySQL blocks.

Two kinds of write transactions. Those that read before they write and rest on what they read are serializable and go one
after another through one connection, as they would on SQLite; other processes' are kept apart by the server's locks. Works
that say they are `concurrent` lock what they need themselves, see the newest committed state with each statement (READ
COMMITTED) and go through several connections at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.stores.connection_pools import PoolObserver, PoolState
from services.stores.groups import GroupObserver
from services.stores.mysql.dialect import MysqlDialect
from services.stores.mysql.reader import ReadWorker
from services.stores.mysql.target import Target
from services.stores.mysql.threads import Threads, Worker
from services.stores.mysql.writer import LARGEST_GROUP, WriteWorker
from services.stores.ports import Connection, Dialect

T = TypeVar("T")


class MysqlDatabase:
    """See services.stores.ports.Database. `open` it; the schema is the business of services.stores.mysql.migrator."""

    def __init__(self, target: Target, pool_size: int, read_limit: int, write_limit: int) -> None:
        writers = max(1, pool_size // 4)
        readers = max(1, pool_size - writers - 1)
        self.dialect: Dialect = MysqlDialect()
        self.long_reads = readers
        self._serial = Threads("serial", [WriteWorker(target, "SERIALIZABLE")], limit=write_limit, group=LARGEST_GROUP)
        concurrent: list[Worker] = [WriteWorker(target, "READ COMMITTED") for _ in range(writers)]
        self._concurrent = Threads("writer", concurrent, limit=write_limit, group=LARGEST_GROUP)
        reading: list[Worker] = [ReadWorker(target) for _ in range(readers)]
        self._readers = Threads("reader", reading, limit=read_limit, group=1)

    @classmethod
    async def open(
        cls, target: Target, *, pool_size: int = 4, read_limit: int = 10_000, write_limit: int = 20_000
    ) -> MysqlDatabase:
        """Connects, so that a wrong address or password is told here. `pool_size`: connections, at least three: one for
        serializable works, a quarter for concurrent ones, the others for reads. The limits: works that may wait.
        Raises StoreError."""
        database = cls(target, pool_size, read_limit, write_limit)
        try:
            await database.ping()
        except BaseException:
            await database.close()
            raise
        return database

    async def read(self, work: Callable[[Connection], T]) -> T:
        result: T = await self._readers.submit(work)
        return result

    async def write(self, work: Callable[[Connection], T], *, concurrent: bool = False) -> T:
        result: T = await (self._concurrent if concurrent else self._serial).submit(work)
        return result

    def observe_groups(self, observer: GroupObserver) -> None:
        """See services.stores.groups."""
        for threads in (self._serial, self._concurrent):
            threads.observers.add(observer)

    def pools(self) -> Sequence[PoolState]:
        """See services.stores.connection_pools."""
        return [threads.state() for threads in (self._serial, self._concurrent, self._readers)]

    def observe_pools(self, observer: PoolObserver) -> None:
        """See services.stores.connection_pools."""
        for threads in (self._serial, self._concurrent, self._readers):
            threads.pool_observers.append(observer)

    async def ping(self) -> None:
        """Goes through a writer and a reader: where either hangs there is no database."""
        await asyncio.gather(
            self._concurrent.submit(lambda connection: connection.execute("SELECT 1")),
            self._readers.submit(lambda connection: connection.execute("SELECT 1")),
        )

    async def close(self) -> None:
        for threads in (self._serial, self._concurrent, self._readers):
            await threads.close()
