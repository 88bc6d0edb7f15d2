"""What is MySQL's own: exact text, errors that quote nothing, transactions in each other's way, patience."""

import asyncio
import threading
from dataclasses import replace

import pytest

from services.stores.mysql.connection import MysqlConnection
from services.stores.ports import StoreError, UniqueViolation
from tests.testbed.rows import names, put


@pytest.mark.parametrize(
    "other", ["anna", "ANNA", "Änna", "Anna ", " Anna", "Ａnna", "Anna\u0301", "Ann\u0430", "Anna\0"]
)
async def test_names_differ_by_every_byte(open_mysql, mysql_target, other):
    database = await open_mysql(mysql_target)
    await database.write(put("Anna"))
    await database.write(put(other))
    assert await database.read(names) == {"Anna", other}
    found = await database.read(lambda c: c.execute("SELECT name FROM setting WHERE name = ?", (other,)))
    assert found == [(other,)]


@pytest.mark.parametrize(
    "value",
    [
        "'",
        '"',
        "\\",
        "\\'; DROP TABLE setting; -- ",
        "a\0b\n\r\x1a\t",
        "100%s {} ?",
        "👩‍👩‍👧 天 \ufffd",
        "",
        "; ",
        "/* */ -- #",
        "x" * 300_000,
    ],
)
async def test_any_text_comes_back_as_it_was(open_mysql, mysql_target, value):
    database = await open_mysql(mysql_target)
    await database.write(put("k", value))
    assert await database.read(lambda c: c.execute("SELECT value FROM setting WHERE name = 'k'")) == [(value,)]


async def test_any_bytes_come_back_as_they_were(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    content = bytes(range(256)) * 3
    rows = [("t", content, 1), ("t", b"", 2), ("t", memoryview(b"\\'"), 3)]
    await database.write(lambda c: c.insert_many("outbox", ("topic", "event", "created_at"), rows))
    found = await database.read(lambda c: c.execute("SELECT event FROM outbox ORDER BY id"))
    assert [row[0] for row in found] == [content, b"", b"\\'"]


async def test_a_text_that_is_no_unicode_is_the_fault_of_its_work_alone(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    results = await asyncio.gather(
        database.write(put("a")), database.write(put("bad", "\ud800")), database.write(put("b")), return_exceptions=True
    )
    assert isinstance(results[1], UnicodeEncodeError)
    assert await database.read(names) == {"a", "b"}


async def test_a_row_that_did_not_change_counts_as_found(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    await database.write(put("a", "v"))
    change = "UPDATE setting SET value = 'v' WHERE name = ?"
    assert await database.write(lambda c: c.change(change, ("a",))) == 1
    assert await database.write(lambda c: c.change(change, ("nobody",))) == 0


async def test_insert_ignore_passes_over_duplicates_and_nothing_else(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    sql = database.dialect.insert_ignore("setting", ("name", "value"))
    with pytest.raises(StoreError, match="TRUNCATED, name"):
        await database.write(lambda c: c.change(sql, ("x" * 100, "v")))
    assert await database.read(names) == set()


async def test_errors_quote_no_value(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    await database.write(put("secret-name"))
    with pytest.raises(UniqueViolation) as taken:
        await database.write(put("secret-name"))
    with pytest.raises(StoreError) as wrong:
        await database.write(lambda c: c.change("INSERT INTO setting VALUES ('secret-name', 'x',)"))
    with pytest.raises(StoreError) as kind:
        await database.write(lambda c: c.change("INSERT INTO relation VALUES ('a', 'b', 'secret-name')"))
    for caught in (taken, wrong, kind):
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


async def test_the_wrong_number_of_parameters_is_a_store_error(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    with pytest.raises(StoreError, match="parameters"):
        await database.read(lambda c: c.execute("SELECT ?", (1, 2)))


async def test_works_that_deadlock_are_both_done(open_mysql, mysql_target):
    one, other = await open_mysql(mysql_target), await open_mysql(mysql_target)
    await one.write(lambda c: c.insert_many("setting", ("name", "value"), [("a", "0"), ("b", "0")]))
    meeting = threading.Barrier(2)
    runs = []

    def add(first, second):
        def work(connection):
            runs.append(first)
            connection.change("UPDATE setting SET value = value + 1 WHERE name = ?", (first,))
            if len(runs) <= 2:
                meeting.wait(5)
            connection.change("UPDATE setting SET value = value + 1 WHERE name = ?", (second,))

        return work

    await asyncio.gather(one.write(add("a", "b"), concurrent=True), other.write(add("b", "a"), concurrent=True))
    rows = await one.read(lambda c: c.execute("SELECT value FROM setting WHERE name IN ('a', 'b')"))
    assert rows == [("2",), ("2",)]
    assert len(runs) == 3, "one of them was run again"


async def test_a_row_locked_by_somebody_else_for_ever_is_a_retryable_error(open_mysql, mysql_target):
    patience = replace(mysql_target.patience, lock=1.0)
    database = await open_mysql(replace(mysql_target, patience=patience))
    await database.write(put("a"))
    holder = MysqlConnection(mysql_target, isolation="READ COMMITTED")
    holder.begin()
    holder.change("UPDATE setting SET value = 'held' WHERE name = 'a'")
    monkey = pytest.MonkeyPatch()
    monkey.setattr("services.stores.mysql.writer._REPETITIONS", 1)
    try:
        with pytest.raises(StoreError, match="in the way") as caught:
            await database.write(lambda c: c.change("UPDATE setting SET value = 'mine' WHERE name = 'a'"))
        assert caught.value.retryable
        assert await database.write(put("b")) == 1
    finally:
        monkey.undo()
        holder.rollback()
        holder.close()


async def test_a_statement_that_takes_too_long_is_broken_off(open_mysql, mysql_target):
    patience = replace(mysql_target.patience, statement=0.3)
    database = await open_mysql(replace(mysql_target, patience=patience))
    with pytest.raises(StoreError, match="too long") as caught:
        await database.read(lambda c: c.execute("SELECT SLEEP(20), count(*) FROM setting"))
    assert caught.value.retryable
    assert await database.read(names) == set()


async def test_too_many_waiting_works_are_refused_at_once(open_mysql, mysql_target):
    database = await open_mysql(mysql_target, write_limit=10)
    gate = threading.Event()
    blocked = asyncio.create_task(database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0.1)
    tasks = [asyncio.create_task(database.write(put(f"k{number}"))) for number in range(30)]
    await asyncio.sleep(0.1)
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, StoreError)]
    assert len(refused) == 20
    assert all("overloaded" in str(error) and error.retryable for error in refused)
    await blocked
