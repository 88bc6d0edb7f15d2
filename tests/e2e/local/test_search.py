"""Substring search in four scripts, from one character on."""

from __future__ import annotations

import pytest

from tests.testbed.client import Api, Person, Refused, befriend, make_group, new_name
from tests.testbed.schema import text

LINES = (
    "今天天气很好，我们去公园散步吧",
    "東京の天気は晴れです。カタカナとひらがな",
    "안녕하세요 서울 날씨가 좋네요",
    "The quick brown Fox jumps, 100% sure_thing",
    "ＦＵＬＬｗｉｄｔｈ and ﬁligree",
    "emoji 👨‍👩‍👧 in the middle",
)


def said(answer: dict) -> set[str]:
    return {item["info"]["message"]["string_message"]["content"] for item in answer["message"]}


@pytest.fixture
async def talk(pair) -> tuple[Person, Person, str]:
    one, other, chat = pair
    for line in LINES:
        await one.send(chat, text(line))
    return one, other, chat


@pytest.mark.parametrize(
    ("key", "places"),
    [
        ("天", {0, 1}),
        ("天气", {0}),
        ("天気", {1}),
        ("公园散步", {0}),
        ("気天", set()),
        ("カタ", {1}),
        ("ひらがな", {1}),
        ("の", {1}),
        ("서울", {2}),
        ("하세", {2}),
        ("녕", {2}),
        ("quick", {3}),
        ("uick bro", {3}),
        ("FOX", {3}),
        ("%", {3}),
        ("_", {3}),
        ("100% s", {3}),
        ("fullwidth", {4}),
        ("ｆｕｌｌ", {4}),
        ("filigree", {4}),
        ("👨‍👩‍👧", {5}),
        ("，", {0, 3}),
        ("nowhere", set()),
        ("' OR '1'='1", set()),
        ("*", set()),
    ],
)
@pytest.mark.defect("Q1")
async def test_fragments_are_found(talk, key: str, places: set[int]):
    _, other, chat = talk
    expected = {LINES[place] for place in places}
    assert said(await other.call("search_messages", search_key=key)) == expected
    assert said(await other.call("search_messages", search_key=key, chat_session_id=chat)) == expected
    answer = await other.call("search_history", search_key=key, chat_session_id=chat)
    assert {item["message"]["string_message"]["content"] for item in answer["msg_list"]} == expected


@pytest.mark.defect("Q3")
async def test_results_are_paged_newest_first(pair):
    one, other, chat = pair
    for number in range(25):
        await one.send(chat, text(f"needle {number}"))
    seen, token = [], ""
    while True:
        answer = await other.call("search_messages", search_key="needle", limit=10, page_token=token)
        seen += [item["seq"] for item in answer["message"]]
        token = answer["next_page_token"]
        if not token:
            break
    assert seen == list(range(25, 0, -1))


async def test_nobody_finds_what_others_said(api: Api, talk):
    one, other, chat = talk
    stranger = await api.register()
    assert said(await stranger.call("search_messages", search_key="天")) == set()
    for name in ("search_messages", "search_history"):
        with pytest.raises(Refused):
            await stranger.call(name, search_key="天", chat_session_id=chat)
    group = await make_group(one, other)
    await one.send(group, text("天 group"))
    assert "天 group" in said(await other.call("search_messages", search_key="天"))
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=other.user_id)
    assert "天 group" not in said(await other.call("search_messages", search_key="天"))


@pytest.mark.parametrize("key", ["", "  ", "x" * 5000])
async def test_a_key_that_makes_no_sense_is_refused_or_finds_nothing(talk, key: str):
    _, other, _ = talk
    reply = await other.exchange("search_messages", search_key=key)
    assert not reply.fields["success"] or not reply.fields["message"]


@pytest.mark.parametrize("name", ["王小明", "やまだ", "김철수", "Johnson"])
async def test_people_are_found_by_fragments_of_their_name(api: Api, name: str):
    other, one = await api.register(new_name(name)), await api.register()
    await befriend(other, await api.register())
    for key in (other.nickname[1:], other.nickname[1:].upper(), other.nickname[-5:]):
        found, token = set(), ""
        while True:
            answer = await one.call("search_friend", search_key=key, limit=50, page_token=token)
            found |= {person["user_id"] for person in answer["user_info"]}
            token = answer["next_page_token"]
            if not token:
                break
        assert other.user_id in found


@pytest.mark.defect("Q3")
async def test_search_of_people_is_paged(api: Api):
    prefix = new_name("页")[:12]
    people = [await api.register(f"{prefix}{number}") for number in range(7)]
    one = await api.register()
    seen, token = [], ""
    while True:
        answer = await one.call("search_friend", search_key=prefix, limit=3, page_token=token)
        seen += [person["user_id"] for person in answer["user_info"]]
        token = answer["next_page_token"]
        if not token:
            break
    assert sorted(seen) == sorted(person.user_id for person in people)
