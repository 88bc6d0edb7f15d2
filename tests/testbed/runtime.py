"""A Runtime of real parts for the tests of services: a migrated SQLite file, a Valkey server, a folder of files.
With CHATSYSTEM_TEST_DATABASE=mysql, the database is one on MySQL or MariaDB instead.

Use the fixtures by importing them into a conftest: `from tests.testbed.runtime import make_runtime, runtime, valkey`.
Time is the test's own: `runtime.clock.advance(seconds)`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from services.catalogue import BY_NAME, SERVICES
from services.observation.samples import Samples
from services.runtime.context import Hosted, Runtime
from services.runtime.rpc import Clients
from services.runtime.settings import read_settings
from services.stores.files_folder import FolderFiles
from services.stores.migrate import load, sql_directory
from services.stores.ports import Database
from services.stores.redis_cache import RedisCache
from services.stores.redis_consumption import Timing
from services.stores.redis_queue import RedisQueue
from services.stores.search_database import DatabaseSearch
from services.stores.sqlite.database import SqliteDatabase
from services.stores.sqlite.migrator import migrate
from tests.testbed.push import LocalPushBus
from tests.testbed.valkey import Valkey

_prefixes = itertools.count()


class Clock:
    """Unix time in seconds that moves only when a test says so."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class TestRuntime(Runtime):
    """A Runtime whose clock the test moves, and which can host services."""

    __test__ = False
    clock: Clock

    async def host(self, *services: Hosted) -> None:
        """Makes the services callable through `clients` and starts them. The fixture drains and stops them."""
        for service in services:
            if service.name != "gateway":
                self.clients.host(service.name, dict(service.handlers))
            await service.start()
            self.hosted.append(service)

    hosted: list[Hosted]


MakeRuntime = Callable[..., Awaitable[TestRuntime]]


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One server for the whole run; every runtime has a key prefix of its own on it."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.process.stop()


@pytest_asyncio.fixture
async def make_runtime(valkey: Valkey, tmp_path: Path) -> AsyncIterator[MakeRuntime]:
    """`await make_runtime(CHATSYSTEM_USER_CODE_LIFETIME="1s")`: a Runtime with these variables. The runtimes of one test
    share the database, the cache and the files, as the processes of one system do."""
    async with AsyncExitStack() as cleanup:
        open_database = cleanup.enter_context(migrated_database(tmp_path / "chat.db"))
        prefix = f"{os.getpid()}.{next(_prefixes)}:"
        names = itertools.count()

        async def make(**environment: str) -> TestRuntime:
            database = await open_database()
            cleanup.push_async_callback(database.close)
            cache = RedisCache(valkey.url, valkey.access, prefix=prefix)
            cleanup.push_async_callback(cache.close)
            queue = RedisQueue(
                valkey.url, valkey.access, consumer=f"test-{next(names)}", prefix=prefix, timing=Timing(block=0.02)
            )
            cleanup.push_async_callback(queue.close)
            metrics = CollectorRegistry()
            made = TestRuntime(
                settings=read_settings(tuple(service.name for service in SERVICES), environment),
                clients=Clients(),
                push=LocalPushBus(),
                metrics=metrics,
                samples=Samples(metrics),
                clock=Clock(),
                database=database,
                cache=cache,
                queue=queue,
                search=DatabaseSearch(database),
                files=await FolderFiles.open(tmp_path / "files"),
                hosted=[],
            )
            cleanup.push_async_callback(_stop, made)
            return made

        yield make


@contextmanager
def migrated_database(path: Path, kind: str = "") -> Iterator[Callable[[], Awaitable[Database]]]:
    """How to open a database that has the schema; on SQLite the one at `path`. `kind`: sqlite or
    mysql, if it is not what the environment says."""
    if (kind or os.environ.get("CHATSYSTEM_TEST_DATABASE", "sqlite")) == "mysql":
        from services.stores.mysql.database import MysqlDatabase
        from tests.testbed.mariadb import clean_database

        with clean_database() as target:
            yield lambda: MysqlDatabase.open(target)
    else:
        migrate(path, load(sql_directory() / "sqlite"))
        yield lambda: SqliteDatabase.open(path)


@pytest_asyncio.fixture
async def runtime(make_runtime: MakeRuntime) -> TestRuntime:
    """A Runtime with the default settings."""
    return await make_runtime()


async def _stop(runtime: TestRuntime) -> None:
    order: dict[str, Any] = {name: index for index, name in enumerate(BY_NAME)}
    for service in sorted(runtime.hosted, key=lambda service: order.get(service.name, 0), reverse=True):
        await service.drain()
        await service.stop()
