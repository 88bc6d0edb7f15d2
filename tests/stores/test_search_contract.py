"""What every Search adapter promises; the laws are checked against counting by hand."""

import asyncio
import random
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.stores.folding import fold
from services.stores.ports import InvalidPage, MessageHit
from services.stores.search_database import DatabaseSearch
from tests.testbed.runtime import migrated_database
from tests.testbed.words import PIECES, parts, words


async def add_messages(database, texts, *, session="s", start=1, column="content"):
    batch = secrets.token_hex(4)  # the index of an earlier test must not know these messages

    def work(connection):
        for seq, text in enumerate(texts, start=start):
            folded = fold(text)
            connection.change(
                f"INSERT INTO message (message_id, session_id, seq, user_id, message_type, create_time, {column},"
                " search_text) VALUES (?, ?, ?, 'u', 0, ?, ?, ?)",
                (f"{batch}-{seq}", session, seq, seq, text, folded if folded != text else None),
            )

    await database.write(work)


async def add_user(database, user_id, nickname, phone=None):
    await database.write(
        lambda connection: connection.change(
            "INSERT INTO user (user_id, nickname, nickname_folded, phone, created_at) VALUES (?, ?, ?, ?, 0)",
            (user_id, nickname, fold(nickname), phone),
        )
    )


async def found(search, key, sessions=("s",)):
    hits, token = await search.messages(key, sessions, limit=100)
    assert token == ""
    return [hit.seq for hit in hits]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("今天天气很好", "天"),
        ("今天天气很好", "天气很"),
        ("ＡＢＣ全角", "abc"),
        ("half width", "ＷＩＤＴＨ"),
        ("カタカナのテスト", "ｶﾀｶﾅ"),
        ("안녕하세요 여러분", "하세"),
        ("Straße", "STRASSE"),
        ("it is 100% _sure_ [a-z]*?", "% _sure_ [a-z]*?"),
        ("a\\b 'quoted' \"too\"", "\\b 'quoted' \"t"),
        ("emoji 👩‍👩‍👧 family", "👩‍👩‍👧"),
        ("line\nbreak", "e\nb"),
        ("İstanbul", "i"),
    ],
)
async def test_a_part_of_a_text_finds_it(search, database, text, key):
    await add_messages(database, ["something else", text])
    assert 2 in await found(search, key)


@pytest.mark.parametrize("key", ["%", "_", "*", "\\"])
async def test_wildcards_stand_for_themselves(search, database, key):
    await add_messages(database, ["plain text"])
    assert await found(search, key) == []


async def test_transcripts_are_found(search, database):
    await add_messages(database, ["오늘 회의"], column="transcript")
    assert await found(search, "회의") == [1]


async def test_only_the_named_conversations_are_searched(search, database):
    await add_messages(database, ["hello"], session="s")
    await add_messages(database, ["hello"], session="other")
    hits, _ = await search.messages("hello", ["other"], limit=10)
    assert hits == [MessageHit("other", 1)]
    assert await search.messages("hello", [], limit=10) == ([], "")


async def test_nothing_is_no_key(search, database):
    await add_messages(database, ["hello"])
    assert await found(search, "") == []


async def test_pages_are_newest_first_and_neither_shift_nor_repeat_when_messages_arrive(search, database):
    await add_messages(database, [f"word {number}" for number in range(25)])
    seen, token = [], ""
    while True:
        hits, token = await search.messages("word", ["s"], limit=10, before=token)
        seen += [hit.seq for hit in hits]
        if not token:
            break
        await add_messages(database, ["a new word"], start=100 + len(seen))
    assert seen == list(range(25, 0, -1))


async def test_a_last_page_that_is_full_has_no_next_one(search, database):
    await add_messages(database, ["word"] * 10)
    hits, token = await search.messages("word", ["s"], limit=10)
    assert (len(hits), token) == (10, "")


@pytest.mark.parametrize("token", ["x", "====", "会", "dTAuMQ", "bTAuLTE", "a" * 10_000, "\x00"])
async def test_a_token_of_ones_own_making_is_refused(search, token):
    with pytest.raises(InvalidPage):
        await search.messages("word", ["s"], limit=10, before=token)


async def test_a_token_of_one_search_is_no_token_of_the_other(search, database):
    await add_messages(database, ["word"] * 3)
    _, token = await search.messages("word", ["s"], limit=1)
    with pytest.raises(InvalidPage):
        await search.users("word", exclude=[], limit=1, after=token)


async def test_users_are_found_by_exact_phone_or_id_first_then_by_nickname(search, database):
    await add_user(database, "u1", "call 13800000000 now")
    await add_user(database, "u2", "Somebody", phone="13800000000")
    await add_user(database, "13800000000", "third")
    found_users, token = await search.users("13800000000", exclude=[], limit=10)
    assert (found_users, token) == (["u2", "13800000000", "u1"], "")


async def test_a_part_of_a_phone_number_finds_nobody(search, database):
    await add_user(database, "u2", "Somebody", phone="13800000000")
    assert await search.users("1380000", exclude=[], limit=10) == ([], "")


async def test_user_pages_cover_everybody_once_and_leave_out_the_excluded(search, database):
    for number in range(12):
        await add_user(database, f"id{number}", f"Ｎame {number}")
    await add_user(database, "exact", "other", phone="name")
    seen, token = [], ""
    while True:
        users, token = await search.users("name", exclude=["id3", "id7"], limit=1, after=token)
        seen += users
        if not token:
            break
    assert seen == ["exact", *(f"id{number}" for number in range(12) if number not in {3, 7})]


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
@given(messages=st.lists(words, min_size=1, max_size=12), others=st.lists(words, max_size=3), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_hits_are_exactly_the_texts_that_contain_the_key(tmp_path_factory, kind, messages, others, data):
    keys = [*parts(data, messages, 4), *parts(data, messages, 2, longest=1), *others]

    async def check(open_database):
        database = await open_database()
        await add_messages(database, messages)
        for key in keys:
            expected = [seq for seq, text in enumerate(messages, start=1) if fold(key) in fold(text)]
            assert await found(DatabaseSearch(database), key) == expected[::-1], key
        await database.close()

    with migrated_database(tmp_path_factory.mktemp("search") / "chat.db", kind) as open_database:
        asyncio.run(check(open_database))


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
def test_every_piece_and_long_keys_find_all_their_texts_and_no_other(tmp_path_factory, kind):
    chance = random.Random(11)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 30))) for _ in range(300)]
    texts += ["".join(chance.choices(PIECES, k=250)) for _ in range(20)]
    keys = {*PIECES, *"".join(PIECES)}
    for text in texts[-20:]:
        start = chance.randrange(len(text) - 120)
        keys.add(text[start : start + chance.randint(101, 256)])
    folded = [fold(text) for text in texts]

    async def check(open_database):
        database = await open_database()
        await add_messages(database, texts)
        search = DatabaseSearch(database)
        for key in sorted(keys):
            hits, _ = await search.messages(key, ["s"], limit=1000)
            expected = [seq for seq, text in enumerate(folded, start=1) if fold(key) in text]
            assert [hit.seq for hit in hits] == expected[::-1], key
        await database.close()

    with migrated_database(tmp_path_factory.mktemp("search") / "chat.db", kind) as open_database:
        asyncio.run(check(open_database))
