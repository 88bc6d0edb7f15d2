"""Searches read many rows, and leave room for everybody else."""

from __future__ import annotations

import asyncio
import threading

import pytest

from services.stores import search_database
from services.stores.migrate import load, sql_directory
from services.stores.ports import StoreError
from services.stores.search_database import DatabaseSearch
from services.stores.sqlite.database import SqliteDatabase
from services.stores.sqlite.migrator import migrate

LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT COUNT(*) FROM n"


@pytest.fixture
async def database(tmp_path):
    migrate(tmp_path / "chat.db", load(sql_directory() / "sqlite"))
    opened = await SqliteDatabase.open(tmp_path / "chat.db")
    yield opened
    await opened.close()


class Held:
    """The database, whose reads of a search take until they are let go. They run where long reads do."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.dialect, self.long_reads = database.dialect, database.long_reads
        self.running = 0
        self.most = 0
        self.let_go = threading.Event()

    async def read(self, work):
        def held(connection):
            connection.execute(LONG)  # so it leaves the event loop
            assert self.let_go.wait(60)
            return work(connection)

        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self._database.read(held)
        finally:
            self.running -= 1


async def test_other_long_reads_go_on_while_searches_take_all_they_may(database):
    held = Held(database)
    search = DatabaseSearch(held)
    searches = [asyncio.ensure_future(search.messages("word", ["s"], limit=5)) for _ in range(3)]
    searches += [asyncio.ensure_future(search.users("word", exclude=[], limit=5)) for _ in range(3)]
    try:
        async with asyncio.timeout(60):
            assert await database.read(lambda connection: connection.execute(LONG)[0][0]) == 200_000
    finally:
        held.let_go.set()
    await asyncio.gather(*searches)
    assert held.most == max(1, database.long_reads // 2) < database.long_reads


async def test_a_search_that_is_given_up_while_it_waits_holds_up_nobody(database):
    held = Held(database)
    search = DatabaseSearch(held)
    first, waiting, last = (asyncio.ensure_future(search.messages("word", ["s"], limit=5)) for _ in range(3))
    await asyncio.sleep(0)
    waiting.cancel()
    held.let_go.set()
    assert await asyncio.gather(first, last) == [([], ""), ([], "")]
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_more_searches_than_may_wait_are_refused(database, monkeypatch):
    monkeypatch.setattr(search_database, "_MOST_WAITING", 2)
    held = Held(database)
    search = DatabaseSearch(held)
    taken = [asyncio.ensure_future(search.messages("word", ["s"], limit=5)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="2 searches are waiting"):
        await search.messages("word", ["s"], limit=5)
    held.let_go.set()
    await asyncio.gather(*taken)
