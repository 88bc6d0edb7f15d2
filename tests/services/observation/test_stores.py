"""Stores with metrics around them, on the real stores: they do what they did, and it is counted."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.observation.cache import ObservedCache
from services.observation.database import ObservedDatabase
from services.observation.files import ObservedFiles
from services.observation.queue import ObservedQueue
from services.observation.samples import Samples
from services.runtime.events import TRANSCRIPTS, MessageEvent, UserEvent, stored_at
from services.stores.ports import StoreError


@pytest.fixture
async def metrics():
    return CollectorRegistry()


@pytest.fixture
async def database(runtime, metrics):
    return ObservedDatabase(runtime.database, metrics)


async def test_writes_at_the_same_time_share_a_commit_and_it_shows(database, metrics):
    def work(connection):
        connection.change("INSERT INTO outbox (topic, event, created_at) VALUES (?, ?, ?)", ["t", b"", 1])

    await asyncio.gather(*(database.write(work) for _ in range(10)))
    assert metrics.get_sample_value("chatsystem_database_write_seconds_count") == 10
    assert metrics.get_sample_value("chatsystem_database_group_works_sum") == 10
    groups = metrics.get_sample_value("chatsystem_database_group_works_count")
    assert groups < 10
    assert metrics.get_sample_value("chatsystem_database_commit_seconds_count") == groups
    assert metrics.get_sample_value("chatsystem_database_writes_waiting") == 0


async def test_a_group_that_the_thread_has_to_do_is_one_commit_with_its_time(database, metrics):
    # Many more steps than the loop has patience for.
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT COUNT(*) FROM n"
    await database.write(lambda connection: connection.execute(slow))
    assert metrics.get_sample_value("chatsystem_database_commit_seconds_count") == 1
    assert metrics.get_sample_value("chatsystem_database_commit_seconds_sum") > 0.01


async def test_what_waits_for_the_database_can_be_seen(database, metrics):
    before = metrics.get_sample_value("chatsystem_database_writes_waiting")
    writing = [asyncio.ensure_future(database.write(lambda connection: None)) for _ in range(3)]
    await asyncio.sleep(0)
    assert (before, metrics.get_sample_value("chatsystem_database_writes_waiting")) == (0, 3)
    await asyncio.gather(*writing)
    assert metrics.get_sample_value("chatsystem_database_writes_waiting") == 0


async def test_failures_of_the_database_are_counted_and_those_of_a_work_are_not(database, metrics):
    with pytest.raises(ValueError):
        await database.write(lambda connection: int("x"))
    with pytest.raises(StoreError):
        await database.write(lambda connection: connection.execute("NONSENSE"))
    with pytest.raises(StoreError):
        await database.read(lambda connection: connection.execute("NONSENSE"))
    name = "chatsystem_database_failures_total"
    assert metrics.get_sample_value(name, {"operation": "write"}) == 1
    assert metrics.get_sample_value(name, {"operation": "read"}) == 1
    assert metrics.get_sample_value("chatsystem_database_reads_running") == 0


async def test_a_cache_that_is_away_is_counted(runtime, metrics):
    cache = ObservedCache(runtime.cache, metrics)
    assert await cache.set("a", b"1")
    assert await cache.get("a") == b"1"
    assert metrics.get_sample_value("chatsystem_cache_seconds_count") == 2

    class Away:
        async def get(self, key, *, extend=None):
            raise StoreError("away")

    away = ObservedCache(Away(), CollectorRegistry())
    with pytest.raises(StoreError):
        await away.get("a")
    assert away._failures._value.get() == 1


async def test_files_are_counted_by_operation(runtime, metrics):
    files = ObservedFiles(runtime.files, metrics)
    await files.put("a" * 32, b"content")
    assert await files.get("a" * 32) == b"content"
    with pytest.raises(StoreError):
        await files.get("../etc/passwd")
    assert metrics.get_sample_value("chatsystem_files_seconds_count", {"operation": "put"}) == 1
    assert metrics.get_sample_value("chatsystem_files_seconds_count", {"operation": "get"}) == 1
    assert metrics.get_sample_value("chatsystem_files_failures_total", {"operation": "get"}) == 1
    assert metrics.get_sample_value("chatsystem_files_running") == 0


async def test_events_are_counted_from_publishing_to_the_dead_letters(runtime, metrics):
    samples = Samples(metrics)
    now = 1_700_000_000.0
    queue = ObservedQueue(runtime.queue, metrics, samples, lambda: now + 3)
    good = MessageEvent(f"{int(now * 1000):012x}0000", "chat", 1).encode()
    handled = asyncio.Event()

    async def handle(parcels):
        handled.set()
        return {parcel.id: ValueError("bad") for parcel in parcels if parcel.payload == b"bad"}

    await queue.publish(TRANSCRIPTS, [good, b"bad"])
    consumption = await queue.consume(TRANSCRIPTS, "group", handle, attempts=1)
    labels = {"topic": TRANSCRIPTS, "group": "group"}
    async with asyncio.timeout(5):
        await handled.wait()
        while await queue.depth(TRANSCRIPTS, "group"):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)
    await samples.take()
    await consumption.close()
    assert metrics.get_sample_value("chatsystem_queue_published_total", {"topic": TRANSCRIPTS}) == 2
    assert metrics.get_sample_value("chatsystem_queue_handled_total", labels | {"result": "ok"}) == 1
    assert metrics.get_sample_value("chatsystem_queue_handled_total", labels | {"result": "failed"}) == 1
    assert metrics.get_sample_value("chatsystem_queue_depth", labels) == 0
    assert metrics.get_sample_value("chatsystem_queue_dead_letters", labels) == 1
    assert metrics.get_sample_value("chatsystem_queue_lag_seconds_sum", labels) == pytest.approx(3)


async def test_a_consumer_that_breaks_fails_its_whole_batch(runtime, metrics):
    queue = ObservedQueue(runtime.queue, metrics, Samples(metrics), lambda: 0.0)

    async def breaks(parcels):
        raise RuntimeError("defect")

    observed = queue._observed("topic", "group", breaks)
    with pytest.raises(RuntimeError):
        await observed([None, None])
    labels = {"topic": "topic", "group": "group", "result": "failed"}
    assert metrics.get_sample_value("chatsystem_queue_handled_total", labels) == 2


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[]", b"null", b'{"message_id": 5}', b'{"message_id": "zz"}', b"\xff"]
)
def test_an_event_without_a_message_has_no_time(payload):
    assert stored_at(payload) is None
    assert stored_at(UserEvent("one").encode()) is None
