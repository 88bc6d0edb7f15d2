"""A search is answered while the index is away, does not wait for it each time, and comes back to it."""

from __future__ import annotations

import asyncio

import pytest

from services.stores.ports import InvalidPage, MessageHit, StoreError
from services.stores.search_database import DatabaseSearch
from services.stores.search_fallback import FallbackSearch
from tests.stores.test_search_contract import add_messages, add_user


class Index(DatabaseSearch):
    """An index that can be away."""

    needs_events = True

    def __init__(self, database):
        super().__init__(database)
        self.away = False
        self.asked = 0

    async def messages(self, *args, **named):
        self._ask()
        return await super().messages(*args, **named)

    async def users(self, *args, **named):
        self._ask()
        return await super().users(*args, **named)

    def _ask(self):
        self.asked += 1
        if self.away:
            raise StoreError("away")


class Slow(DatabaseSearch):
    """Asks an index after the others have come to ask it, too."""

    needs_events = True

    def __init__(self, database, index):
        super().__init__(database)
        self._index = index

    async def messages(self, *args, **named):
        await asyncio.sleep(0)
        return await self._index.messages(*args, **named)


class Time:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
async def index(database):
    await add_messages(database, ["word"])
    await add_user(database, "u1", "word")
    return Index(database)


async def test_an_answer_of_the_index_is_not_degraded(index, database):
    assert await FallbackSearch(index, database).messages("word", ["s"], limit=5) == ([MessageHit("s", 1)], "", False)
    assert await FallbackSearch(index, database).users("word", exclude=[], limit=5) == (["u1"], "", False)


async def test_while_the_index_is_away_the_database_answers_and_says_so(index, database):
    index.away = True
    search = FallbackSearch(index, database)
    assert await search.messages("word", ["s"], limit=5) == ([MessageHit("s", 1)], "", True)
    assert await search.users("word", exclude=[], limit=5) == (["u1"], "", True)


async def test_an_index_that_is_away_is_asked_ever_more_seldom_and_at_once_again_when_it_is_back(index, database):
    index.away = True
    clock = Time()
    search = FallbackSearch(index, database, now=clock)
    for _ in range(200):
        await search.users("word", exclude=[], limit=5)
        clock.now += 0.1
    assert 4 <= index.asked <= 10
    index.away = False
    clock.now += 5.0
    for _ in range(2):
        assert (await search.users("word", exclude=[], limit=5))[2] is False


async def test_searches_that_fail_together_are_one_failure(index, database):
    index.away = True
    clock = Time()
    search = FallbackSearch(Slow(database, index), database, now=clock)
    await asyncio.gather(*(search.messages("word", ["s"], limit=5) for _ in range(8)))
    index.away = False
    clock.now += 0.5
    assert (await search.messages("word", ["s"], limit=5))[2] is False


async def test_a_token_of_ones_own_making_is_refused_and_no_sign_of_an_index_that_is_away(index, database):
    search = FallbackSearch(index, database)
    with pytest.raises(InvalidPage):
        await search.messages("word", ["s"], limit=5, before="x")
    assert (await search.messages("word", ["s"], limit=5))[2] is False


async def test_a_database_that_is_away_has_nobody_to_answer_for_it(index, database):
    class Away(DatabaseSearch):
        async def messages(self, *args, **named):
            raise StoreError("the database is away")

    with pytest.raises(StoreError, match="the database is away"):
        await FallbackSearch(Away(database), database).messages("word", ["s"], limit=5)


async def test_what_answered_is_told(index, database):
    told = []
    search = FallbackSearch(index, database, answered=told.append)
    await search.messages("word", ["s"], limit=5)
    index.away = True
    await search.users("word", exclude=[], limit=5)
    await FallbackSearch(DatabaseSearch(database), database, answered=told.append).messages("word", ["s"], limit=5)
    with pytest.raises(InvalidPage):
        await search.messages("word", ["s"], limit=5, before="x")
    assert told == ["index", "degraded", "database"]
