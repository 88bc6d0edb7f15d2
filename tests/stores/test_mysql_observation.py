"""What a pool of connections to MySQL shows of itself: group commits, what is busy, what waits, what is begun again."""

from __future__ import annotations

import asyncio
import threading

import pytest
from prometheus_client import CollectorRegistry

from services.observation.database import ObservedDatabase
from services.stores.mysql.database import MysqlDatabase

COLUMNS = "INSERT INTO outbox (topic, event, created_at) VALUES (?, ?, ?)"


@pytest.fixture
async def raw(mysql_target):
    database = await MysqlDatabase.open(mysql_target, pool_size=8)
    yield database
    await database.close()


@pytest.fixture
def metrics():
    return CollectorRegistry()


@pytest.fixture
def database(raw, metrics):
    return ObservedDatabase(raw, metrics)


def pool(metrics, name, of):
    return metrics.get_sample_value(f"chatsystem_database_{name}", {"pool": of})


@pytest.mark.parametrize("concurrent", [False, True])
async def test_changes_that_wait_together_share_a_commit_and_it_shows(database, metrics, concurrent):
    def work(connection):
        connection.change(COLUMNS, ["t", b"", 1])

    await asyncio.gather(*(database.write(work, concurrent=concurrent) for _ in range(100)))
    assert metrics.get_sample_value("chatsystem_database_group_works_sum") == 100
    groups = metrics.get_sample_value("chatsystem_database_group_works_count")
    assert groups < 100
    assert metrics.get_sample_value("chatsystem_database_commit_seconds_count") == groups
    assert pool(metrics, "pool_wait_seconds_count", "writer" if concurrent else "serial") == 100


async def test_a_pool_shows_what_is_at_work_and_what_waits(database, metrics):
    assert [pool(metrics, "connections", name) for name in ("serial", "writer", "reader")] == [1, 2, 5]
    held, begun = threading.Event(), threading.Semaphore(0)

    def hold(connection):
        connection.execute("SELECT 1")
        begun.release()
        held.wait(60)

    reads = [asyncio.ensure_future(database.read(hold)) for _ in range(8)]
    try:
        for _ in range(5):
            assert await asyncio.to_thread(begun.acquire, True, 60)
        assert pool(metrics, "connections_in_use", "reader") == 5
        assert pool(metrics, "pool_waiting", "reader") == 3
        assert pool(metrics, "connections_in_use", "serial") == 0
    finally:
        held.set()
        await asyncio.gather(*reads)
    assert pool(metrics, "pool_wait_seconds_count", "reader") == 8
    assert pool(metrics, "pool_waiting", "reader") == 0


async def test_a_deadlock_is_counted_and_both_changes_are_made(database, metrics):
    def prepare(connection):
        connection.insert_many(
            "chat_session", ("chat_session_id", "chat_session_type", "created_at"), [("a", 2, 0), ("b", 2, 0)]
        )

    await database.write(prepare)
    both_hold_one = threading.Barrier(2)
    lock = "UPDATE chat_session SET last_seq = last_seq + 1 WHERE chat_session_id = ?"

    def crossing(first, second):
        attempts = 0

        def work(connection):
            nonlocal attempts
            attempts += 1
            connection.change(lock, [first])
            if attempts == 1:
                both_hold_one.wait(60)
            connection.change(lock, [second])

        return work

    one = asyncio.ensure_future(database.write(crossing("a", "b"), concurrent=True))
    while pool(metrics, "connections_in_use", "writer") == 0:  # noqa: ASYNC110 - else both might share one transaction
        await asyncio.sleep(0.001)
    await asyncio.gather(one, database.write(crossing("b", "a"), concurrent=True))
    repeated = metrics.get_sample_value(
        "chatsystem_database_repetitions_total", {"pool": "writer", "reason": "deadlock"}
    )
    assert repeated == 1
    rows = await database.read(lambda connection: connection.execute("SELECT last_seq FROM chat_session"))
    assert [row[0] for row in rows] == [2, 2]
    assert metrics.get_sample_value("chatsystem_database_group_works_sum") == 3
