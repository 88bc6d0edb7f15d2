"""From the URLs in the environment to the adapters: which store each port stands on in this process.

Only the adapter that is used gets imported: a client library costs memory and start-up time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.runtime.settings import SettingsError
from services.stores.ports import Cache, Database, Files, Queue, Registry, Search


@dataclass(frozen=True)
class StoreUrls:
    """Where the stores are. `passwords`: store word (CACHE, QUEUE ...) -> content of its password file."""

    urls: Mapping[str, str]
    passwords: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Stores:
    database: Database
    cache: Cache
    queue: Queue
    search: Search
    files: Files
    registry: Registry | None
    """None: every service that is needed is hosted in this process."""

    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What readiness asks: name -> a call that raises StoreError if the store does not answer."""
        checks: dict[str, Callable[[], Awaitable[None]]] = {
            "database": self.database.ping,
            "cache": self.cache.ping,
            "queue": self.queue.ping,
            "files": self.files.ping,
        }
        if self.search.needs_events:
            checks["search"] = self.search.ping
        if self.registry is not None:
            checks["registry"] = self.registry.ping
        return checks


_KNOWN = {
    "DATABASE": ("sqlite:///absolute/path/chat.db",),
    "CACHE": ("redis://host:port/0",),
    "QUEUE": ("redis://host:port/0",),
    "SEARCH": ("database:",),
    "FILES": ("file:///absolute/folder",),
    "REGISTRY": ("none:", "redis://host:port/0"),
}
_DEFAULT = {"SEARCH": "database:", "REGISTRY": "none:"}


def read_store_urls(environment: Mapping[str, str]) -> StoreUrls:
    """Reads and checks all CHATSYSTEM_<STORE>_URL and their password files. Raises SettingsError with every problem."""
    problems: list[str] = []
    urls = {store: _read_url(store, environment, problems) for store in _KNOWN}
    passwords: dict[str, str] = {}
    for store in _KNOWN:
        password_file = environment.get(f"CHATSYSTEM_{store}_PASSWORD_FILE")
        if password_file:
            try:
                passwords[store] = Path(password_file).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not text"
                problems.append(f"CHATSYSTEM_{store}_PASSWORD_FILE: {password_file} cannot be read: {reason}")
    if problems:
        raise SettingsError(problems)
    return StoreUrls(urls, passwords)


def read_database_url(environment: Mapping[str, str]) -> Path:
    """The database alone, for a migration. Raises SettingsError."""
    problems: list[str] = []
    url = _read_url("DATABASE", environment, problems)
    if problems:
        raise SettingsError(problems)
    return _path(url)


def _read_url(store: str, environment: Mapping[str, str], problems: list[str]) -> str:
    variable, known = f"CHATSYSTEM_{store}_URL", _KNOWN[store]
    url = environment.get(variable, _DEFAULT.get(store, ""))
    if problem := _problem(url, known):
        problems.append(f"{variable}: {problem}; expected {' or '.join(known)}")
    return url


def _path(url: str) -> Path:
    """The file or folder of a URL without a host."""
    return Path(unquote(urlsplit(url).path))


def _problem(url: str, known: tuple[str, ...]) -> str:
    if not url:
        return "is not set"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.password or parts.username:
        return "holds a name or password; put the password into the file that the variable with _PASSWORD_FILE names"
    if parts.scheme not in {each.split(":", 1)[0] for each in known}:
        return f"unknown kind {parts.scheme!r}"
    if parts.scheme in {"sqlite", "file"} and (parts.netloc or len(parts.path.strip("/")) == 0):
        return "names no absolute path"
    if parts.scheme == "redis" and not (parts.hostname and port):
        return "names no host and port"
    if parts.scheme == "redis" and not (parts.path.strip("/") or "0").isdigit():
        return "names no database number"
    return ""


async def open_stores(urls: StoreUrls, *, instance: str, database_readers: int = 2) -> Stores:
    """Opens every store. What was opened is closed again if one fails. Raises StoreError, MigrationError."""
    from services.stores.files_folder import FolderFiles
    from services.stores.migrate import load, sql_directory
    from services.stores.redis_cache import RedisCache
    from services.stores.redis_queue import RedisQueue
    from services.stores.search_database import DatabaseSearch
    from services.stores.sqlite.database import SqliteDatabase
    from services.stores.sqlite.migrator import check

    async with AsyncExitStack() as opened:
        path = _path(urls.urls["DATABASE"])
        database = await SqliteDatabase.open(path, readers=database_readers)
        opened.push_async_callback(database.close)
        check(path, load(sql_directory() / database.dialect.name))
        cache = RedisCache(urls.urls["CACHE"], urls.passwords.get("CACHE", ""))
        opened.push_async_callback(cache.close)
        await cache.ping()
        queue = RedisQueue(urls.urls["QUEUE"], urls.passwords.get("QUEUE", ""), consumer=instance)
        opened.push_async_callback(queue.close)
        await queue.ping()
        files = await FolderFiles.open(_path(urls.urls["FILES"]))
        registry = await _registry(urls)
        if registry is not None:
            opened.push_async_callback(registry.close)
        opened.pop_all()
        return Stores(database, cache, queue, DatabaseSearch(database), files, registry)


async def _registry(urls: StoreUrls) -> Registry | None:
    if urls.urls["REGISTRY"].startswith("none:"):
        return None
    from services.stores.redis_registry import RedisRegistry

    registry = RedisRegistry(urls.urls["REGISTRY"], urls.passwords.get("REGISTRY", ""))
    await registry.ping()
    return registry


async def close_stores(stores: Stores) -> None:
    """Closes all, the database last."""
    for store in (stores.registry, stores.queue, stores.cache, stores.search, stores.files, stores.database):
        if store is not None:
            await store.close()
