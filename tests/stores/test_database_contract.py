"""What every Database adapter promises."""

import asyncio

import pytest

from services.stores.batches import upsert_many
from services.stores.ports import StoreError, UniqueViolation
from tests.testbed.rows import names, put


def value(name):
    return lambda connection: connection.execute("SELECT value FROM setting WHERE name = ?", (name,))[0][0]


async def test_a_write_returns_what_its_work_returns(database):
    assert await database.write(put("a")) == 1
    assert await database.read(value("a")) == "v"


async def test_what_was_written_is_there_after_opening_again(open_database):
    first = await open_database()
    await first.write(put("a"))
    await first.close()
    assert await (await open_database()).read(names) == {"a"}


async def test_concurrent_writes_all_happen_in_the_order_of_submission(database):
    def append(number):
        def work(connection):
            connection.change(
                "INSERT INTO outbox (topic, event, created_at) VALUES (?, ?, ?)", ("t", str(number).encode(), 0)
            )
            return number

        return work

    answered = []

    async def submit(number):
        answered.append(await database.write(append(number)))

    await asyncio.gather(*map(submit, range(300)))
    assert answered == list(range(300))
    rows = await database.read(lambda connection: connection.execute("SELECT event FROM outbox ORDER BY id"))
    assert [int(row[0]) for row in rows] == list(range(300))


async def test_a_work_that_fails_undoes_its_own_changes_only(database):
    def failing(connection):
        put("lost")(connection)
        raise ZeroDivisionError

    results = await asyncio.gather(
        database.write(put("a")), database.write(failing), database.write(put("b")), return_exceptions=True
    )
    assert isinstance(results[1], ZeroDivisionError)
    assert await database.read(names) == {"a", "b"}


async def test_a_lone_work_that_fails_leaves_nothing(database):
    def failing(connection):
        put("lost")(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(failing)
    assert await database.read(names) == set()


async def test_a_second_row_with_the_same_key_is_a_unique_violation(database):
    await database.write(put("a"))
    with pytest.raises(UniqueViolation):
        await database.write(put("a"))


async def test_a_unique_violation_can_be_handled_inside_the_work(database):
    await database.write(put("a", "old"))

    def put_or_see(connection):
        try:
            return put("a", "new")(connection)
        except UniqueViolation:
            put("b")(connection)
            return value("a")(connection)

    assert await database.write(put_or_see) == "old"
    assert await database.read(names) == {"a", "b"}


async def test_a_wrong_statement_is_a_store_error_that_needs_no_retry(database):
    with pytest.raises(StoreError) as caught:
        await database.read(lambda connection: connection.execute("SELECT nonsense FROM nowhere"))
    assert not caught.value.retryable


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 200])
async def test_many_rows_are_inserted_whole_and_in_order(database, count):
    rows = [("t", bytes([number]), number) for number in range(count)]
    await database.write(lambda connection: connection.insert_many("outbox", ("topic", "event", "created_at"), rows))
    stored = await database.read(
        lambda connection: connection.execute("SELECT topic, event, created_at FROM outbox ORDER BY id")
    )
    assert [tuple(row) for row in stored] == rows


@pytest.mark.parametrize("count", [1, 3, 64, 65, 600])
async def test_changes_that_are_made_together_are_all_made_in_order(database, count):
    def work(connection):
        with connection.together():
            connection.insert_many(
                "setting", ("name", "value"), [(f"k{number}", "x" * 3000) for number in range(count)]
            )
            upsert_many(
                connection,
                "setting",
                ("name", "value"),
                ("name",),
                ("value",),
                [(f"k{number}", f"v{number}") for number in range(count)],
            )
            connection.change("DELETE FROM setting WHERE name = ?", ["k0"])
            connection.change(connection.dialect.insert_ignore("setting", ("name", "value")), ["k0", "again"])
            seen = connection.execute("SELECT count(*) FROM setting WHERE name LIKE 'k%'")
        return seen, connection.change("UPDATE setting SET value = 'last' WHERE name = 'k0'")

    assert await database.write(work) == ([(count,)], 1)
    stored = dict(
        await database.read(
            lambda connection: connection.execute("SELECT name, value FROM setting WHERE name LIKE 'k%'")
        )
    )
    assert stored == {"k0": "last"} | {f"k{number}": f"v{number}" for number in range(1, count)}


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_an_error_among_changes_made_together_undoes_its_work_alone(database, failing):
    def work(connection):
        with connection.together():
            for number in range(3):
                connection.change(
                    "INSERT INTO setting (name, value) VALUES (?, ?)",
                    ["there" if number == failing else f"new{number}", "?"],
                )

    await database.write(put("there"))
    results = await asyncio.gather(
        database.write(put("before")), database.write(work), database.write(put("after")), return_exceptions=True
    )
    assert isinstance(results[1], UniqueViolation)
    assert await database.read(names) == {"there", "before", "after"}


async def test_a_text_that_cannot_be_encoded_spoils_nothing_but_its_work(database):
    def work(connection):
        with connection.together():
            connection.change("INSERT INTO setting (name, value) VALUES (?, ?)", ["fine", "?"])
            connection.change("INSERT INTO setting (name, value) VALUES (?, ?)", ["\ud800", "?"])

    results = await asyncio.gather(
        database.write(put("a")), database.write(work), database.write(put("b")), return_exceptions=True
    )
    assert isinstance(results[1], Exception)
    assert await database.read(names) == {"a", "b"}


async def test_a_read_cannot_write(database):
    with pytest.raises(StoreError):
        await database.read(put("a"))
    assert await database.read(names) == set()


async def test_a_read_sees_one_state_while_others_write(database):
    for number in range(50):
        await database.write(put(f"k{number:02}"))
    stop = False

    def change_all(turn):
        return lambda connection: connection.change("UPDATE setting SET value = ?", (str(turn),))

    async def flip():
        turn = 0
        while not stop:
            turn += 1
            await database.write(change_all(turn))

    flipping = asyncio.create_task(flip())

    def all_values(connection):
        # Statement by statement: without a snapshot a write could come in between.
        return {value(f"k{number:02}")(connection) for number in range(50)}

    for _ in range(20):
        assert len(await database.read(all_values)) == 1
    stop = True
    await flipping


async def test_a_long_read_keeps_neither_the_loop_nor_the_writer_waiting(database):
    def long(connection):
        return connection.execute(
            "SELECT count(*) FROM outbox a, outbox b WHERE (a.created_at + b.created_at * 7) % 5 >= 0"
        )[0][0]

    rows = [("t", b"", number) for number in range(1200)]
    await database.write(lambda connection: connection.insert_many("outbox", ("topic", "event", "created_at"), rows))
    reading = asyncio.create_task(database.read(long))
    await asyncio.sleep(0)
    await database.write(put("a"))
    assert not reading.done()
    assert await reading == 1200 * 1200


async def test_insert_ignore_leaves_the_row_that_is_there(database):
    sql = database.dialect.insert_ignore("setting", ("name", "value"))
    assert await database.write(lambda connection: connection.change(sql, ("a", "1"))) == 1
    assert await database.write(lambda connection: connection.change(sql, ("a", "2"))) == 0
    assert await database.read(value("a")) == "1"


async def test_upsert_changes_only_the_named_columns(database):
    def upsert(connection, row, update):
        columns = ("user_id", "peer_id", "created_at")
        connection.change(connection.dialect.upsert("relation", columns, ("user_id", "peer_id"), update), row)

    await database.write(lambda connection: upsert(connection, ("a", "b", 1), ["created_at"]))
    await database.write(lambda connection: upsert(connection, ("a", "b", 2), ["created_at"]))
    rows = await database.read(lambda connection: connection.execute("SELECT created_at FROM relation"))
    assert [row[0] for row in rows] == [2]


@pytest.mark.parametrize(("part", "found"), [("50%", True), ("_", False), ("0% a", True), ("O", False), ("o", True)])
async def test_contains_takes_every_character_for_itself(database, part, found):
    await database.write(put("k", "50% ano"))
    rows = await database.read(
        lambda connection: connection.execute(
            f"SELECT name FROM setting WHERE name = 'k' AND {connection.dialect.contains('value')}", (part,)
        )
    )
    assert bool(rows) is found


async def test_a_caller_that_gave_up_disturbs_nobody(database):
    tasks = [asyncio.create_task(database.write(put(f"k{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert {f"k{number}" for number in range(1, 20, 2)} <= await database.read(names)


async def test_close_finishes_what_was_submitted_and_refuses_more(open_database):
    database = await open_database()
    waiting = [asyncio.create_task(database.write(put(f"k{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*waiting) == [1] * 50
    with pytest.raises(StoreError):
        await database.write(put("late"))
    with pytest.raises(StoreError):
        await database.read(names)
    with pytest.raises(StoreError):
        await database.ping()


async def test_ping_passes(database):
    await database.ping()
