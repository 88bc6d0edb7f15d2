"""The adapters under contract: every suite of this folder runs once for each adapter of its port.

A further adapter is one more entry in the table of its port: a name and how to open it on an empty store. What is opened
twice in one test (`open_cache()`, `open_cache()`) reaches the same store, as two processes of one system would.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.store.index_repair import repair
from services.store.index_source import Messages, Users
from services.stores.access import Access
from services.stores.elasticsearch.search import ElasticsearchSearch
from services.stores.etcd_lease import Terms as LeaseTerms
from services.stores.etcd_registry import EtcdRegistry
from services.stores.files_folder import FolderFiles
from services.stores.files_s3 import S3Files
from services.stores.migrate import load, sql_directory
from services.stores.mysql.database import MysqlDatabase
from services.stores.rabbitmq_consumption import Pauses
from services.stores.rabbitmq_queue import RabbitQueue
from services.stores.redis_cache import RedisCache
from services.stores.redis_consumption import Timing
from services.stores.redis_queue import RedisQueue
from services.stores.redis_registry import RedisRegistry, Terms
from services.stores.search_database import DatabaseSearch
from services.stores.sqlite.database import SqliteDatabase
from services.stores.sqlite.migrator import migrate
from tests.testbed.certificates import authority
from tests.testbed.elasticsearch import Elasticsearch, Named
from tests.testbed.etcd import etcd
from tests.testbed.mariadb import mysql, mysql_target, open_mysql, own_server, own_target
from tests.testbed.rabbitmq import rabbitmq
from tests.testbed.redis import Redis
from tests.testbed.runtime import valkey
from tests.testbed.s3 import S3
from tests.testbed.valkey import Valkey

__all__ = [
    "etcd",
    "mysql",
    "mysql_target",
    "open_mysql",
    "own_server",
    "own_target",
    "own_valkey",
    "rabbitmq",
    "valkey",
]

_serial = itertools.count()

QUICK = Timing(block=0.05, stale=0.6, retry=0.02, longest_retry=0.1, trim=0.1)
BRIEF = Terms(ttl=0.6, renew=0.15, poll=0.1)


@dataclass
class World:
    """Where a test's stores live."""

    folder: Path
    valkey: Valkey
    prefix: str
    fixture: Callable[[str], Any]
    """A further part of the test bed by the name of its fixture; it is started for the tests that need it."""

    async def sqlite(self) -> SqliteDatabase:
        migrate(self.folder / "chat.db", load(sql_directory() / "sqlite"))
        return await SqliteDatabase.open(self.folder / "chat.db", busy_timeout=0.3)

    async def mysql(self) -> MysqlDatabase:
        return await MysqlDatabase.open(self.fixture("mysql_target"))

    async def redis_cache(self, server: Any = None) -> RedisCache:
        server = server or self.valkey
        return RedisCache(server.url, server.access, prefix=self.prefix, timeout=2)

    async def redis_queue(self, consumer: str = "one", server: Any = None) -> RedisQueue:
        server = server or self.valkey
        return RedisQueue(server.url, server.access, consumer=consumer, prefix=self.prefix, timeout=2, timing=QUICK)

    async def encrypted_cache(self) -> RedisCache:
        return await self.redis_cache(self.fixture("encrypted_redis"))

    async def encrypted_queue(self, consumer: str = "one") -> RedisQueue:
        return await self.redis_queue(consumer, self.fixture("encrypted_redis"))

    async def rabbitmq_queue(self, consumer: str = "one") -> RabbitQueue:
        server = self.fixture("rabbitmq")
        return RabbitQueue(
            server.url,
            server.access,
            consumer=consumer,
            prefix=self.prefix,
            pauses=Pauses(retry=0.02, longest_retry=0.1, reconnect=0.02, longest_reconnect=0.1),
        )

    async def redis_registry(self, server: Any = None) -> RedisRegistry:
        server = server or self.valkey
        return RedisRegistry(server.url, server.access, prefix=self.prefix, terms=BRIEF)

    async def encrypted_registry(self) -> RedisRegistry:
        return await self.redis_registry(self.fixture("encrypted_redis"))

    async def etcd_registry(self) -> EtcdRegistry:
        server = self.fixture("etcd")
        return EtcdRegistry(f"etcd://{server.address}/{self.prefix.strip(':')}", terms=LeaseTerms(ttl=1, renew=0.3))

    async def folder_files(self) -> FolderFiles:
        return await FolderFiles.open(self.folder / "files")

    async def s3_files(self) -> S3Files:
        server: S3 = self.fixture("s3")
        access = Access(server.access_key, server.secret_key)
        name = self.prefix.rstrip(":")
        return S3Files.of_url(f"s3://{server.bucket}/{name}/", access, endpoint=server.url, timeout=5)

    async def database_search(self, database: Any) -> DatabaseSearch:
        return DatabaseSearch(database)

    async def elasticsearch_search(self, database: Any) -> FollowingSearch:
        server = self.fixture("elasticsearch")
        search = ElasticsearchSearch([server.url], server.access, prefix=self.fixture("shared_prefix"), timeout=20)
        for index in (search.projection.messages, search.projection.users):
            if not await index.searchable():
                await index.prepare()
                await index.make_searchable()
        return FollowingSearch(search, database)


class FollowingSearch:
    """An index that is brought up to the database before each question, as it would be after a moment. What it holds of the
    database of an earlier test is removed by that, too."""

    def __init__(self, search: ElasticsearchSearch, database: Any) -> None:
        self._search = search
        self._database = database

    async def messages(self, *args: Any, **named: Any) -> Any:
        await repair(self._database, Messages(), self._search.projection.messages)
        await self._search.projection.messages.refresh()
        return await self._search.messages(*args, **named)

    async def users(self, *args: Any, **named: Any) -> Any:
        await repair(self._database, Users(), self._search.projection.users)
        await self._search.projection.users.refresh()
        return await self._search.users(*args, **named)

    async def close(self) -> None:
        await self._search.close()


@pytest.fixture(scope="session")
def shared_prefix() -> str:
    """Of the indexes that the tests use one after the other: making new ones takes longer than the tests."""
    return index_prefix()


def index_prefix() -> str:
    """Keeps the tests apart on one server."""
    return f"t{secrets.token_hex(6)}"


DATABASES: dict[str, Callable[..., Awaitable[Any]]] = {"sqlite": World.sqlite, "mysql": World.mysql}
CACHES: dict[str, Callable[..., Awaitable[Any]]] = {"redis": World.redis_cache, "redis-tls": World.encrypted_cache}
QUEUES: dict[str, Callable[..., Awaitable[Any]]] = {
    "redis": World.redis_queue,
    "redis-tls": World.encrypted_queue,
    "rabbitmq": World.rabbitmq_queue,
}
REGISTRIES: dict[str, Callable[..., Awaitable[Any]]] = {
    "redis": World.redis_registry,
    "redis-tls": World.encrypted_registry,
    "etcd": World.etcd_registry,
}
FILES: dict[str, Callable[..., Awaitable[Any]]] = {"folder": World.folder_files, "s3": World.s3_files}
SEARCHES: dict[str, Callable[..., Awaitable[Any]]] = {
    "database": World.database_search,
    "elasticsearch": World.elasticsearch_search,
}


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, valkey: Valkey) -> World:
    return World(tmp_path, valkey, f"{os.getpid()}.{next(_serial)}:", request.getfixturevalue)


@pytest.fixture(scope="session")
def encrypted_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server that nobody reaches without the right certificate, name and password. It is left alone."""
    folder = tmp_path_factory.mktemp("encrypted-redis")
    server = Redis(folder / "server", authority=authority(folder / "ca")).start()
    yield server
    server.process.stop()


@pytest.fixture(scope="session")
def elasticsearch(request: pytest.FixtureRequest) -> Any:
    """A server that is left alone."""
    return Named.find() or request.getfixturevalue("own_elasticsearch")


@pytest.fixture(scope="session")
def own_elasticsearch() -> Iterator[Elasticsearch]:
    """One server for the whole run, which a test may kill and has to start again. It does not run as root, so its folder is
    one that others can enter."""
    folder = Path(tempfile.mkdtemp(prefix="chatsystem-elasticsearch-"))
    folder.chmod(0o755)
    server = Elasticsearch(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """One server for the whole run."""
    server = S3(tmp_path_factory.mktemp("s3"), os.environ.get("CHATSYSTEM_TEST_S3_URL", ""))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Any:
    """A server that the test may kill."""
    server = Valkey(tmp_path / "own-valkey")
    server.start()
    yield server
    server.process.stop()


def opener(adapters: dict[str, Callable[..., Awaitable[Any]]]) -> Any:
    """A fixture: a function that opens the port's adapter; what it opened is closed after the test."""

    @pytest_asyncio.fixture(params=list(adapters))
    async def open_store(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Any]:
        async with AsyncExitStack() as cleanup:

            async def open_one(*args: Any) -> Any:
                store = await adapters[request.param](world, *args)
                cleanup.push_async_callback(store.close)
                return store

            yield open_one

    return open_store


open_database = opener(DATABASES)
open_cache = opener(CACHES)
open_queue = opener(QUEUES)
open_registry = opener(REGISTRIES)
open_files = opener(FILES)


@pytest_asyncio.fixture
async def database(open_database: Any) -> Any:
    return await open_database()


@pytest_asyncio.fixture
async def cache(open_cache: Any) -> Any:
    return await open_cache()


@pytest_asyncio.fixture
async def files(open_files: Any) -> Any:
    return await open_files()


@pytest_asyncio.fixture(params=list(SEARCHES))
async def search(request: pytest.FixtureRequest, world: World, database: Any) -> AsyncIterator[Any]:
    opened = await SEARCHES[request.param](world, database)
    yield opened
    await opened.close()
