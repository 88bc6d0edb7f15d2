"""What the index does with late, repeated and rejected writes, and how one generation follows another."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from services.stores.elasticsearch import schema
from services.stores.elasticsearch.search import ElasticsearchSearch
from services.stores.ports import MessageHit, StoreError
from services.stores.projection import Document, Summary, message_document, message_mark, user_document
from tests.stores.conftest import index_prefix


@pytest_asyncio.fixture
async def search(elasticsearch):
    """An index that searches do not see yet."""
    opened = ElasticsearchSearch([elasticsearch.url], elasticsearch.access, prefix=index_prefix(), timeout=20)
    await opened.projection.messages.prepare()
    await opened.projection.users.prepare()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def messages(search):
    await search.projection.messages.make_searchable()
    return search.projection.messages


@pytest_asyncio.fixture
async def users(search):
    await search.projection.users.make_searchable()
    return search.projection.users


def message(row, text, *, transcribed=False):
    return message_document(row, f"m{row}", "s", row, text, transcribed)


async def found(search, key):
    await search.projection.messages.refresh()
    return [hit.seq for hit in (await search.messages(key, ["s"], limit=100))[0]]


async def test_what_is_written_again_or_late_changes_nothing(search, messages):
    assert await messages.write([message(1, "spoken words", transcribed=True)]) == {}
    assert await messages.write([message(1, "silence")]) == {}
    assert await messages.write([message(1, "spoken words", transcribed=True)]) == {}
    assert await found(search, "spoken") == [1]
    assert await found(search, "silence") == []


async def test_a_write_that_comes_after_the_deletion_brings_nothing_back(search, messages):
    await messages.write([message(1, "secret"), message(2, "other")])
    assert await messages.write([], ["m1", "m7"]) == {}
    assert await messages.write([message(1, "secret"), message(7, "secret")]) == {}
    assert await found(search, "secret") == []
    assert await found(search, "other") == [2]


async def test_one_rejected_document_is_named_and_the_others_are_written(search, messages):
    bad = Document("m2", 2, 0, 1, {"session": "s", "seq": "not a number", "text": "private words"})
    refused = await messages.write([message(1, "good"), bad, message(3, "good")])
    assert list(refused) == ["m2"]
    assert "private" not in refused["m2"]
    assert await found(search, "good") == [3, 1]


async def test_a_changed_person_is_not_overwritten_by_what_was_read_before(search, users):
    first, second = (user_document(1, "u1", name, None) for name in ("early", "later"))
    assert await users.write([first]) == {}
    seen = await users.seen(["u1", "nobody"])
    assert list(seen) == ["u1"]
    assert await users.write([second], seen=seen) == {}
    assert list(await users.write([first], seen=seen)) == ["u1"]
    assert list(await users.write([first])) == ["u1"]
    await users.refresh()
    assert (await search.users("early", exclude=[], limit=5))[0] == []
    assert (await search.users("later", exclude=[], limit=5))[0] == ["u1"]


async def test_ranges_are_summed_up_by_count_and_marks(messages):
    await messages.write([message(row, "text") for row in (3, 5, 9)])
    await messages.refresh()
    marks = [message_mark(f"m{row}", transcribed=False) for row in (3, 5, 9)]
    assert await messages.summary(0, 9) == Summary(3, sum(marks))
    assert await messages.summary(3, 8) == Summary(1, marks[1])
    assert await messages.marks(3, 2**63 - 1, 10) == [(5, "m5", marks[1]), (9, "m9", marks[2])]


async def test_an_index_that_is_not_complete_gives_no_answer(search):
    await search.projection.messages.write([message(1, "text")])
    for question in (search.messages("text", ["s"], limit=5), search.users("text", exclude=[], limit=5)):
        with pytest.raises(StoreError, match="not complete"):
            await question


async def test_any_number_of_processes_can_prepare_at_the_same_time(elasticsearch):
    prefix = index_prefix()
    processes = [
        ElasticsearchSearch([elasticsearch.url], elasticsearch.access, prefix=prefix, timeout=20) for _ in range(4)
    ]
    await asyncio.gather(*(each.projection.messages.prepare() for each in processes for _ in range(2)))
    assert await processes[0].projection.messages.write([message(1, "text")]) == {}
    await processes[1].projection.messages.make_searchable()
    assert await found(processes[2], "text") == [1]
    for each in processes:
        await each.close()


async def test_a_deleted_index_is_never_made_by_a_write(search, messages):
    await messages.write([message(1, "text")])
    await search._client.indices.delete(index=f"{messages.read_alias}-000001")
    with pytest.raises(StoreError):
        await messages.write([message(2, "text")])
    with pytest.raises(StoreError, match="not complete"):
        await search.messages("text", ["s"], limit=5)
    await messages.prepare()
    assert not await messages.searchable()


async def test_a_generation_takes_the_place_of_the_other_in_one_step(search, messages):
    await messages.write([message(1, "old"), message(2, "both")])
    generation = await messages.next_generation()
    await generation.write([message(2, "both"), message(3, "new")])
    await generation.refresh()
    assert await found(search, "both") == [2]
    assert await found(search, "new") == []
    await messages.replace(generation)
    assert (await search.messages("o", ["s"], limit=5))[0] == [MessageHit("s", 2)]
    await messages.write([message(4, "after")])
    assert await found(search, "after") == [4]
    assert list(await search._client.indices.get(index=f"{messages.read_alias}-*")) == [f"{messages.read_alias}-000002"]


async def test_a_generation_that_was_left_unfinished_is_gone_on_with(search, messages):
    await (await messages.next_generation()).write([message(1, "half")])
    again = await messages.next_generation()
    await messages.replace(again)
    assert await found(search, "half") == [1]


async def test_an_index_of_another_version_is_noticed_and_its_unfinished_successor_thrown_away(
    search, messages, monkeypatch
):
    await (await messages.next_generation()).write([message(1, "half")])
    monkeypatch.setattr("services.stores.elasticsearch.index.SCHEMA", schema.SCHEMA + 1)
    monkeypatch.setattr("services.stores.elasticsearch.schema.SCHEMA", schema.SCHEMA + 1)
    assert await messages.outdated()
    await messages.replace(await messages.next_generation())
    assert not await messages.outdated()
    assert await found(search, "half") == []


async def test_an_index_that_takes_no_writes_is_no_failure_of_a_document(search, messages):
    await search._client.indices.put_settings(index=messages.read_alias, settings={"index.blocks.read_only": True})
    try:
        with pytest.raises(StoreError, match="takes no documents"):
            await messages.write([message(1, "text"), message(2, "text")])
    finally:
        await search._client.indices.put_settings(index=messages.read_alias, settings={"index.blocks.read_only": False})
