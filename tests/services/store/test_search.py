"""Messages are found by any fragment, in one's own conversations only."""

from __future__ import annotations

import pytest

from services.protocol.store_pb2 import MsgSearchReq, SearchMessagesReq, SearchMessagesRsp
from tests.testbed.messaging import add_conversation, say
from tests.testbed.runtime import TestRuntime


async def search(chat: TestRuntime, key: str, *, user: str = "ann", **more: object) -> SearchMessagesRsp:
    request = SearchMessagesReq(user_id=user, search_key=key, **more)  # type: ignore[arg-type]
    answer = await chat.clients.call("store", "SearchMessages", request)
    assert isinstance(answer, SearchMessagesRsp)
    return answer


def contents(answer: SearchMessagesRsp) -> list[str]:
    return [message.info.message.string_message.content for message in answer.message]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("今天天气很好", "天"),
        ("今天天气很好", "气很"),
        ("明日は晴れです", "晴れ"),
        ("안녕하세요", "녕하"),
        ("Hello World", "o w"),
        ("Hello World", "HELLO"),
        ("ＦＵＬＬ width", "full"),
        ("full width", "ＦＵＬＬ"),
        ("STRASSE", "straße"),
        ("100% _sure_", "% _"),
        ("a*b", "*"),
    ],
)
async def test_any_fragment_is_found(chat: TestRuntime, content: str, key: str) -> None:
    await say(chat, "ann", "pair", "qqq", content, "zzz")
    assert contents(await search(chat, key)) == [content]


async def test_all_own_conversations_are_searched_the_newest_first(chat: TestRuntime) -> None:
    await add_conversation(chat, "foreign", "dan", "cid")
    await say(chat, "ann", "pair", "apple 1")
    await say(chat, "cid", "group", "apple 2")
    await say(chat, "dan", "foreign", "apple 3")
    await say(chat, "bob", "pair", "apple 4")
    assert contents(await search(chat, "apple")) == ["apple 4", "apple 2", "apple 1"]
    assert contents(await search(chat, "apple", chat_session_id="pair")) == ["apple 4", "apple 1"]


async def test_pages_join_without_gap_or_repetition(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *(f"apple {number}" for number in range(7)))
    found: list[str] = []
    token = ""
    while True:
        answer = await search(chat, "apple", limit=3, page_token=token)
        found += contents(answer)
        token = answer.next_page_token
        if not token:
            break
        await say(chat, "ann", "pair", "apple, but later")
    assert found == [f"apple {number}" for number in reversed(range(7))]


@pytest.mark.parametrize("token", ["garbage", "x" * 1000, "💥"])
async def test_a_page_that_does_not_exist_is_refused(chat: TestRuntime, token: str) -> None:
    answer = await search(chat, "apple", page_token=token)
    assert (answer.success, answer.errmsg) == (False, "分页参数无效")


@pytest.mark.parametrize("key", ["", "  ", "x" * 257])
async def test_a_search_for_nothing_or_too_much_is_refused(chat: TestRuntime, key: str) -> None:
    assert not (await search(chat, key)).success


async def test_existing_clients_search_one_conversation(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", "apple 1", "pear", "apple 2")
    await say(chat, "ann", "group", "apple 3")
    request = MsgSearchReq(user_id="ann", chat_session_id="pair", search_key="apple")
    answer = await chat.clients.call("store", "MsgSearch", request)
    assert [message.message.string_message.content for message in answer.msg_list] == ["apple 2", "apple 1"]
