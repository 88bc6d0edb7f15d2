"""From the URLs in the environment to the adapters: which store each port stands on in this process.

Only the adapter that is used gets imported: a client library costs memory and start-up time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from services.catalogue import SERVICES
from services.runtime.open_database import open_database
from services.runtime.store_urls import StoreUrls, path_of
from services.stores.ports import Cache, Database, Files, Queue, Registry, Search, StoreError


@dataclass(frozen=True)
class Stores:
    """None: no service of this process has the store; of the registry: every service that is needed is hosted here."""

    database: Database | None = None
    cache: Cache | None = None
    queue: Queue | None = None
    search: Search | None = None
    files: Files | None = None
    registry: Registry | None = None

    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What readiness asks: name -> a call that raises StoreError if the store does not answer."""
        asked = {
            "database": self.database,
            "cache": self.cache,
            "queue": self.queue,
            "files": self.files,
            "registry": self.registry,
        }
        # Not the search index: while it is away, searches are answered from the database.
        return {name: store.ping for name, store in asked.items() if store is not None}


CACHE_TIMEOUT = 2.0
"""Seconds: everybody who asks the cache does without it when it is away, and somebody waits for them."""


async def open_stores(urls: StoreUrls, *, instance: str, pool_size: int) -> Stores:
    """Opens every store that is named. What was opened is closed again if one fails. Raises StoreError, MigrationError."""
    database = cache = queue = search = files = None
    async with AsyncExitStack() as opened:
        if "DATABASE" in urls.urls:
            database = await open_database(urls, pool_size=pool_size)
            opened.push_async_callback(database.close)
        if "CACHE" in urls.urls:
            from services.stores.redis_cache import RedisCache

            cache = RedisCache(urls.urls["CACHE"], urls.access["CACHE"], timeout=CACHE_TIMEOUT)
            opened.push_async_callback(cache.close)
            await cache.ping()
        if "QUEUE" in urls.urls:
            queue = open_queue(urls, instance=instance)
            opened.push_async_callback(queue.close)
            await queue.ping()
        if "SEARCH" in urls.urls and database is not None:
            search = open_search(urls, database)
            opened.push_async_callback(search.close)
        if "FILES" in urls.urls:
            files = await _files(urls)
        registry = await _registry(urls)
        if registry is not None:
            opened.push_async_callback(registry.close)
        opened.pop_all()
        return Stores(database, cache, queue, search, files, registry)


def open_search(urls: StoreUrls, database: Database) -> Search:
    """Connects to nothing yet: an index may be away, also at the start. Raises StoreError for unusable certificates."""
    from services.stores.search_database import DatabaseSearch

    if urls.urls["SEARCH"].startswith("database:"):
        return DatabaseSearch(database)
    from services.stores.elasticsearch.search import ElasticsearchSearch

    return ElasticsearchSearch(
        urls.urls["SEARCH"].split(","), urls.access["SEARCH"], prefix=urls.options["SEARCH_INDEX_PREFIX"]
    )


async def _files(urls: StoreUrls) -> Files:
    if not urls.urls["FILES"].startswith("s3:"):
        from services.stores.files_folder import FolderFiles

        return await FolderFiles.open(path_of(urls.urls["FILES"]))
    from services.stores.files_s3 import S3Files

    files = S3Files.of_url(
        urls.urls["FILES"],
        urls.access["FILES"],
        endpoint=urls.options["FILES_ENDPOINT"],
        region=urls.options["FILES_REGION"],
    )
    await files.ping()
    return files


def open_queue(urls: StoreUrls, *, instance: str) -> Queue:
    """The queue alone; it connects with its first use."""
    url, access = urls.urls["QUEUE"], urls.access["QUEUE"]
    if url.startswith("amqp:"):
        from services.stores.rabbitmq_queue import RabbitQueue

        return RabbitQueue(url, access, consumer=instance)
    from services.stores.redis_queue import RedisQueue

    return RedisQueue(url, access, consumer=instance)


async def _registry(urls: StoreUrls) -> Registry | None:
    url, access = urls.urls["REGISTRY"], urls.access["REGISTRY"]
    if url.startswith("none:"):
        return None
    registry: Registry
    if url.startswith("etcd:"):
        from services.stores.etcd_registry import EtcdRegistry

        registry = EtcdRegistry(url, access, names={service.name: service.registry_name for service in SERVICES})
    else:
        from services.stores.redis_registry import RedisRegistry

        registry = RedisRegistry(url, access)
    try:
        await registry.ping()
    except StoreError:
        await registry.close()
        raise
    return registry


async def close_stores(stores: Stores) -> None:
    """Closes all, the database last."""
    for store in (stores.registry, stores.queue, stores.cache, stores.search, stores.files, stores.database):
        if store is not None:
            await store.close()
