"""A key is found exactly where it is a part of the text, whatever the script: compared with looking through all texts."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stores.elasticsearch.search import ElasticsearchSearch
from services.stores.folding import fold
from services.stores.projection import message_document
from tests.stores.conftest import index_prefix
from tests.testbed.words import PIECES, parts, words

_serial = itertools.count()


class Corpus:
    """Texts in an index of their own, one conversation for each set of texts."""

    def __init__(self, server):
        self.search = ElasticsearchSearch([server.url], server.access, prefix=index_prefix(), timeout=30)
        self.index = self.search.projection.messages

    async def add(self, texts):
        name = f"c{next(_serial)}"
        await self.index.write(
            [
                message_document(row, f"{name}-{row}", name, row, fold(text), False)
                for row, text in enumerate(texts, start=1)
            ]
        )
        await self.index.refresh()
        return name

    async def hits(self, name, key):
        hits, token = await self.search.messages(key, [name], limit=5000)
        assert token == ""
        return [hit.seq for hit in hits]


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def corpus(elasticsearch, runner):
    async def make():
        made = Corpus(elasticsearch)
        await made.index.prepare()
        await made.index.make_searchable()
        return made

    made = runner.run(make())
    yield made
    runner.run(made.search.close())


def containing(texts, key):
    return [row for row, text in reversed(list(enumerate(texts, start=1))) if fold(key) in fold(text)]


@given(texts=st.lists(words, min_size=1, max_size=20), others=st.lists(words, max_size=4), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_hits_are_exactly_the_texts_that_contain_the_key(corpus, runner, texts, others, data):
    keys = [*parts(data, texts, 3), *parts(data, texts, 2, longest=1), *others]

    async def check():
        name = await corpus.add(texts)
        for key in keys:
            assert await corpus.hits(name, key) == containing(texts, key), key

    runner.run(check())


def test_every_part_of_many_texts_in_all_scripts_finds_all_its_texts_and_no_other(corpus, runner):
    chance = random.Random(7)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 30))) for _ in range(800)]
    keys = {*PIECES, *"".join(PIECES)}
    for text in chance.sample(texts, 120):
        start = chance.randrange(len(text))
        keys.add(text[start : start + chance.randint(1, 6)])

    async def check():
        name = await corpus.add(texts)
        ordered = sorted(keys)
        for start in range(0, len(ordered), 16):
            part = ordered[start : start + 16]
            hits = await asyncio.gather(*(corpus.hits(name, key) for key in part))
            assert dict(zip(part, hits, strict=True)) == {key: containing(texts, key) for key in part}

    runner.run(check())


@given(pieces=st.lists(st.sampled_from(PIECES), min_size=150, max_size=250), data=st.data())
@settings(max_examples=10, deadline=None)
def test_a_key_of_more_than_a_hundred_characters_is_found_and_one_that_is_a_little_different_is_not(
    corpus, runner, pieces, data
):
    text = "".join(pieces)
    start = data.draw(st.integers(0, len(text) - 120))
    key = text[start : start + data.draw(st.integers(101, 256))]
    place = data.draw(st.integers(0, len(key) - 1))
    texts = [text, key, key[:place] + "\u2603" + key[place + 1 :], key[:-1], key[1:]]

    async def check():
        name = await corpus.add(texts)
        assert await corpus.hits(name, key) == containing(texts, key)

    runner.run(check())


def test_the_longest_text_is_found_by_its_end_and_by_the_longest_key(corpus, runner):
    text = "天地玄黄宇宙洪荒" * 2700 + "末尾の言葉"  # the longest message, 64 KiB
    longest = "ﷺ" * 256  # folds to eighteen letters each

    async def check():
        name = await corpus.add([text, longest])
        assert await corpus.hits(name, "の言葉") == [1]
        assert await corpus.hits(name, text[:256]) == [1]
        assert await corpus.hits(name, longest) == [2]

    runner.run(check())
