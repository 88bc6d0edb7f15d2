"""From the database's URL to its adapter and its migrator: which of them a process uses is decided here alone.

Only what is used gets imported: a client library costs memory and start-up time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.runtime.store_urls import StoreUrls, path_of
from services.stores.migrate import Migration, load, sql_directory
from services.stores.ports import Database

if TYPE_CHECKING:
    from services.stores.mysql.target import Target


def migrate_database(urls: StoreUrls, environment: Mapping[str, str]) -> list[Migration]:
    """Brings the database to this version's schema and returns what was run. Raises MigrationError, StoreError."""
    if _is_mysql(urls):
        from services.stores.mysql.migrator import migrate as migrate_mysql

        return migrate_mysql(_target(urls), load(sql_directory(environment) / "mysql"))
    from services.stores.sqlite.migrator import migrate as migrate_sqlite

    return migrate_sqlite(path_of(urls.urls["DATABASE"]), load(sql_directory(environment) / "sqlite"))


async def open_database(urls: StoreUrls, *, pool_size: int = 4) -> Database:
    """Opens it, if its schema is one that this version can work with. `pool_size`: connections to a database that is a
    server. Raises MigrationError, StoreError."""
    if _is_mysql(urls):
        from services.stores.mysql.database import MysqlDatabase
        from services.stores.mysql.migrator import check as check_mysql

        target = _target(urls)
        await asyncio.to_thread(check_mysql, target, load(sql_directory() / "mysql"))
        return await MysqlDatabase.open(target, pool_size=pool_size)
    from services.stores.sqlite.database import SqliteDatabase
    from services.stores.sqlite.migrator import check as check_sqlite

    path = path_of(urls.urls["DATABASE"])
    database = await SqliteDatabase.open(path)
    try:
        check_sqlite(path, load(sql_directory() / "sqlite"))
    except BaseException:
        await database.close()
        raise
    return database


def _is_mysql(urls: StoreUrls) -> bool:
    return urls.urls["DATABASE"].startswith("mysql:")


def _target(urls: StoreUrls) -> Target:
    from services.stores.mysql.target import read_target

    return read_target(urls.urls["DATABASE"], urls.access["DATABASE"])
