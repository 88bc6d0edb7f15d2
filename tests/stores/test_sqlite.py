"""What is SQLite's own: other processes, a full disk, the writer's queue, damage."""

import asyncio
import sqlite3
import threading

import pytest

from services.stores.migrate import load, sql_directory
from services.stores.ports import StoreError, UniqueViolation
from services.stores.sqlite.database import SqliteDatabase
from services.stores.sqlite.migrator import migrate
from tests.testbed.rows import names, put


@pytest.fixture
def path(tmp_path):
    migrate(tmp_path / "chat.db", load(sql_directory() / "sqlite"))
    return tmp_path / "chat.db"


async def test_commits_are_synced_to_the_disk(path):
    database = await SqliteDatabase.open(path)
    settings = await database.write(
        lambda connection: [connection.execute(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
    )
    assert settings == ["wal", 2]
    await database.close()


async def test_a_lock_of_another_process_is_waited_for(path):
    database = await SqliteDatabase.open(path, busy_timeout=5)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    assert await database.write(put("a")) == 1
    other.close()
    await database.close()


async def test_a_lock_that_is_never_given_up_is_a_store_error_and_no_more(path):
    database = await SqliteDatabase.open(path, busy_timeout=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as caught:
        await database.write(put("a"))
    assert caught.value.retryable
    assert await database.read(names) == set()
    other.execute("ROLLBACK")
    other.close()
    assert await database.write(put("a")) == 1
    await database.close()


async def turns_while(awaitable):
    """How often the event loop could look around before the awaitable was done, at most every millisecond."""
    task = asyncio.ensure_future(awaitable)
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    return turns, await task


async def test_the_loop_goes_on_while_another_process_holds_the_lock(path):
    database = await SqliteDatabase.open(path, busy_timeout=5)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    turns, result = await turns_while(database.write(put("a")))
    assert result == 1
    assert turns > 20
    other.close()
    await database.close()


async def test_a_long_write_moves_off_the_loop_and_happens_once(path):
    database = await SqliteDatabase.open(path)
    sql = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000)"
        " INSERT INTO outbox (topic, event, created_at) SELECT 't', x'00', x FROM n"
    )
    results = await asyncio.gather(
        database.write(put("before")),
        turns_while(database.write(lambda connection: connection.change(sql))),
        database.write(put("after")),
    )
    assert results[1][0] > 20
    assert results[0] == results[2] == 1
    rows = await database.read(lambda connection: connection.execute("SELECT count(*) FROM outbox"))
    assert rows == [(300_000,)]
    await database.close()


class _FastThread:
    """The writer's thread as it is when the loop is slow: done with a task before the loop goes on."""

    def put(self, task):
        if task is not None:
            worker = threading.Thread(target=task)
            worker.start()
            worker.join()


async def test_a_group_that_moves_off_the_loop_has_all_the_time_it_needs(path):
    database = await SqliteDatabase.open(path)
    waiting = database._writer._tasks
    database._writer._tasks = _FastThread()
    sql = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000)"
        " INSERT INTO outbox (topic, event, created_at) SELECT 't', x'00', x FROM n"
    )
    await database.write(lambda connection: connection.change(sql))
    assert await asyncio.gather(*(database.write(put(str(number))) for number in range(5))) == [1] * 5
    database._writer._tasks = waiting
    await database.close()


async def limit_pages(database, extra):
    """Makes the disk full after so many more pages."""

    def work(connection):
        used = connection.execute("PRAGMA page_count")[0][0]
        connection.execute(f"PRAGMA max_page_count = {used + extra}")

    await database.write(work)


async def test_a_full_disk_fails_the_writes_it_hits_and_writing_goes_on_when_there_is_room(path):
    database = await SqliteDatabase.open(path)
    await limit_pages(database, 4)
    big = "x" * 200_000
    with pytest.raises(StoreError, match="disk is full"):
        await database.write(put("big", big))
    assert await database.write(put("small")) == 1
    await limit_pages(database, 1000)
    assert await database.write(put("big", big)) == 1
    assert await database.read(names) == {"big", "small"}
    await database.close()


async def test_a_work_that_fills_the_disk_takes_no_other_work_of_its_group_down(path):
    database = await SqliteDatabase.open(path)
    await limit_pages(database, 4)
    results = await asyncio.gather(
        *(database.write(put(f"k{number}", "x" * 200_000 if number == 5 else "v")) for number in range(10)),
        return_exceptions=True,
    )
    assert isinstance(results[5], StoreError)
    assert await database.read(names) == {f"k{number}" for number in range(10)} - {"k5"}
    assert [result for number, result in enumerate(results) if number != 5] == [1] * 9
    await database.close()


async def test_a_commit_that_fails_fails_every_work_of_its_group_and_leaves_nothing(path):
    setup = sqlite3.connect(path)
    setup.execute("CREATE TABLE child (id INTEGER REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED)")
    setup.close()
    database = await SqliteDatabase.open(path)
    database._writing.execute("PRAGMA foreign_keys = ON")  # what violates a deferred key fails at the commit only
    orphan = "INSERT INTO child VALUES (1)"
    outcomes = await asyncio.gather(
        database.write(put("a")), database.write(lambda c: c.change(orphan)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [StoreError, StoreError]
    assert await database.read(names) == set()
    assert await database.write(put("b")) == 1
    await database.close()


async def test_too_many_waiting_writes_are_refused_at_once(path):
    database = await SqliteDatabase.open(path, write_limit=10)
    results = await asyncio.gather(*(database.write(put(f"k{number}")) for number in range(30)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, StoreError)]
    assert len(refused) == 20
    assert all("overloaded" in str(error) and error.retryable for error in refused)
    assert await database.write(put("later")) == 1
    await database.close()


async def test_a_file_that_is_no_database_is_named_as_damaged(tmp_path):
    (tmp_path / "chat.db").write_bytes(b"not a database, but long enough to look at" * 50)
    with pytest.raises(StoreError, match="damaged"):
        await SqliteDatabase.open(tmp_path / "chat.db")


async def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder"):
        await SqliteDatabase.open(tmp_path / "file" / "chat.db")


async def test_unique_violations_of_one_group_hit_their_own_callers(path):
    database = await SqliteDatabase.open(path)
    results = await asyncio.gather(*(database.write(put(f"k{n % 10}")) for n in range(40)), return_exceptions=True)
    assert results.count(1) == 10
    assert sum(isinstance(result, UniqueViolation) for result in results) == 30
    await database.close()


async def test_short_reads_do_not_add_up_to_a_long_one(path):
    database = await SqliteDatabase.open(path)
    await database.write(put("a"))
    for _ in range(3000):
        assert await database.read(names) == {"a"}
    assert database._opened == [], "a look-up went to a thread"
    await database.close()
