"""Reading a conversation by time, by count and in pages, as a member only."""

from __future__ import annotations

from typing import Any

import pytest

from services.protocol.base_pb2 import MessageInfo
from services.protocol.store_pb2 import (
    GetHistoryMsgReq,
    GetLastMessagesReq,
    GetPageReq,
    GetPageRsp,
    GetRecentMsgReq,
    MarkReadReq,
    MsgSearchReq,
    SearchMessagesReq,
)
from services.store import service as store_service
from services.transmit import service as transmit_service
from tests.testbed.messaging import add_conversation, document, picture, rows, say, send, text, voice
from tests.testbed.runtime import MakeRuntime, TestRuntime

START = 1_700_000_000


def contents(messages: Any) -> list[str]:
    return [message.message.string_message.content for message in messages]


async def history(
    chat: TestRuntime, conversation: str, start: int = 0, over: int = 2**40, *, light: bool = True
) -> list[MessageInfo]:
    request = GetHistoryMsgReq(
        chat_session_id=conversation, start_time=start, over_time=over, user_id="ann", exclude_file_content=light
    )
    answer = await chat.clients.call("store", "GetHistoryMsg", request)
    assert answer.success, answer.errmsg
    return list(answer.msg_list)


async def recent(chat: TestRuntime, conversation: str, count: int, **more: Any) -> list[MessageInfo]:
    request = GetRecentMsgReq(chat_session_id=conversation, msg_count=count, user_id="ann", **more)
    answer = await chat.clients.call("store", "GetRecentMsg", request)
    assert answer.success, answer.errmsg
    return list(answer.msg_list)


async def page(chat: TestRuntime, conversation: str = "pair", **more: int) -> GetPageRsp:
    answer = await chat.clients.call(
        "store", "GetPage", GetPageReq(user_id="ann", chat_session_id=conversation, **more)
    )
    assert isinstance(answer, GetPageRsp)
    return answer


async def test_history_comes_in_the_order_in_which_it_was_sent(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *map(str, range(300)))
    assert contents(await history(chat, "pair")) == [str(number) for number in range(300)]


@pytest.mark.parametrize(
    ("start", "over", "expected"),
    [
        (0, 9, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        (3, 5, ["3", "4", "5"]),
        (9, 9, ["9"]),
        (10, 2**62, []),
        (-(2**62), -1, []),
        (5, 3, []),
    ],
)
async def test_both_ends_of_the_time_are_included(
    chat: TestRuntime, start: int, over: int, expected: list[str]
) -> None:
    for number in range(10):
        await say(chat, "ann", "pair", str(number))
        chat.clock.advance(1)
    assert contents(await history(chat, "pair", START + start, START + over)) == expected


async def test_messages_of_the_same_second_all_belong_to_it(chat: TestRuntime) -> None:
    for number in range(4):
        await say(chat, "ann", "pair", str(number))
        chat.clock.advance(0.25)
    assert contents(await history(chat, "pair", START, START)) == ["0", "1", "2", "3"]


async def test_too_long_a_history_begins_later(make_runtime: MakeRuntime) -> None:
    runtime = await make_runtime(CHATSYSTEM_STORE_HISTORY_LIMIT="3")
    await add_conversation(runtime, "pair", "ann", "bob", kind=1)
    await runtime.host(transmit_service.create(runtime), store_service.create(runtime))
    await say(runtime, "ann", "pair", *"abcdef")
    assert contents(await history(runtime, "pair")) == ["d", "e", "f"]


async def test_recent_messages_are_the_newest_oldest_first(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *"abcdef")
    assert contents(await recent(chat, "pair", 3)) == ["d", "e", "f"]
    assert contents(await recent(chat, "pair", 100)) == [*"abcdef"]


async def test_recent_messages_of_an_earlier_time(chat: TestRuntime) -> None:
    for word in "abc":
        await say(chat, "ann", "pair", word)
        chat.clock.advance(10)
    assert contents(await recent(chat, "pair", 2, cur_time=START + 10)) == ["a", "b"]


@pytest.mark.parametrize("count", [0, -1, -(2**63)])
async def test_no_messages_are_none(chat: TestRuntime, count: int) -> None:
    await say(chat, "ann", "pair", "a")
    assert await recent(chat, "pair", count) == []


async def test_a_huge_count_is_bounded(make_runtime: MakeRuntime) -> None:
    runtime = await make_runtime(CHATSYSTEM_STORE_PAGE_LIMIT="3")
    await add_conversation(runtime, "pair", "ann", "bob", kind=1)
    await runtime.host(transmit_service.create(runtime), store_service.create(runtime))
    await say(runtime, "ann", "pair", *"abcdef")
    assert contents(await recent(runtime, "pair", 2**62)) == ["d", "e", "f"]
    assert len((await page(runtime, limit=2**31)).message) == 3


async def test_pages_go_back_to_the_beginning(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *"abcdefg")
    seen: list[str] = []
    before = 0
    while True:
        answer = await page(chat, before_seq=before, limit=3)
        seen = [message.info.message.string_message.content for message in answer.message] + seen
        before = answer.message[0].seq
        if not answer.more:
            break
    assert seen == [*"abcdefg"]


async def test_a_page_around_a_message_has_it_in_the_middle(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *map(str, range(1, 21)))
    assert [message.seq for message in (await page(chat, around_seq=10, limit=5)).message] == [8, 9, 10, 11, 12]
    assert [message.seq for message in (await page(chat, around_seq=20, limit=5)).message] == [16, 17, 18, 19, 20]


async def test_an_empty_conversation_is_an_empty_page(chat: TestRuntime) -> None:
    answer = await page(chat)
    assert answer.success
    assert (list(answer.message), answer.more) == ([], False)


async def test_a_request_id_is_shown_to_its_sender_only(chat: TestRuntime) -> None:
    await send(chat, text("ann", "pair", "mine", "r1"))
    await send(chat, text("bob", "pair", "his", "r2"))
    assert [message.request_id for message in (await page(chat)).message] == ["r1", ""]


async def test_the_sender_is_shown_as_now(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", "a")
    await chat.database.write(lambda c: c.change("UPDATE user SET nickname = 'Robert' WHERE user_id = 'bob'"))
    chat.clock.advance(60)
    assert [message.sender.nickname for message in await history(chat, "pair")] == ["Robert"]


async def test_a_sender_who_is_gone_spoils_no_list(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", "a")
    await chat.database.write(lambda c: c.change("DELETE FROM user WHERE user_id = 'bob'"))
    chat.clock.advance(60)
    sender = (await history(chat, "pair"))[0].sender
    assert (sender.user_id, sender.nickname) == ("bob", "bob")


async def test_files_come_with_or_without_content(chat: TestRuntime) -> None:
    await send(chat, picture("ann", "pair", b"pixels"))
    await send(chat, document("ann", "pair", "a.txt", b"words"))
    await send(chat, voice("ann", "pair", b"\1\0"))
    full = [message.message for message in await history(chat, "pair", light=False)]
    assert full[0].image_message.image_content == b"pixels"
    assert full[1].file_message.file_contents == b"words"
    assert full[2].speech_message.file_contents == b"\1\0"
    light = [message.message for message in await history(chat, "pair", light=True)]
    assert light[0].image_message.image_content == b""
    assert light[0].image_message.file_id == full[0].image_message.file_id
    assert (light[1].file_message.file_name, light[1].file_message.file_size) == ("a.txt", 5)
    assert light[2].speech_message.file_id


async def test_a_missing_file_spoils_no_list(chat: TestRuntime) -> None:
    await send(chat, picture("ann", "pair", b"pixels"))
    await send(chat, picture("ann", "pair", b"more pixels"))
    (file_id,) = (await rows(chat, "SELECT file_id FROM message WHERE seq = 1"))[0]
    await chat.files.delete(file_id)
    full = [message.message.image_message for message in await history(chat, "pair", light=False)]
    assert [image.image_content for image in full] == [b"", b"more pixels"]
    assert full[0].file_id == file_id


async def test_content_beyond_what_fits_is_left_to_its_file_id(
    chat: TestRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.render.MAX_CONTENT", 10)
    for _ in range(3):
        await send(chat, picture("ann", "pair", b"12345"))
    full = [message.message.image_message for message in await history(chat, "pair", light=False)]
    assert [image.image_content for image in full] == [b"", b"12345", b"12345"]
    assert all(image.file_id for image in full)


async def test_a_history_too_large_for_an_answer_begins_later(
    chat: TestRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.messages.CHUNK", 2)
    monkeypatch.setattr("services.store.messages.newest.__kwdefaults__", {"max_bytes": 100})
    await say(chat, "ann", "pair", *(f"{number:060}" for number in range(9)))
    assert contents(await history(chat, "pair")) == [f"{number:060}" for number in (7, 8)]


async def test_last_messages_of_many_conversations(chat: TestRuntime) -> None:
    await add_conversation(chat, "empty", "ann")
    await say(chat, "ann", "pair", "a", "b")
    await say(chat, "cid", "group", "c")
    request = GetLastMessagesReq(chat_session_id=["pair", "group", "empty", "unknown", "pair"])
    answer = await chat.clients.call("store", "GetLastMessages", request)
    found = {name: (item.seq, item.info.message.string_message.content) for name, item in answer.message.items()}
    assert found == {"pair": (2, "b"), "group": (1, "c")}


@pytest.mark.parametrize("conversation", ["pair", "no-such-conversation", ""])
@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        ("GetHistoryMsg", GetHistoryMsgReq),
        ("GetRecentMsg", GetRecentMsgReq),
        ("GetPage", GetPageReq),
        ("MarkRead", MarkReadReq),
        ("MsgSearch", MsgSearchReq),
        ("SearchMessages", SearchMessagesReq),
    ],
)
async def test_who_is_no_member_reads_nothing(
    chat: TestRuntime, method: str, request_type: Any, conversation: str
) -> None:
    await say(chat, "ann", "pair", "secret")
    request = request_type(user_id="dan", chat_session_id=conversation)
    if "search_key" in request.DESCRIPTOR.fields_by_name:
        request.search_key = "secret"
    answer = await chat.clients.call("store", method, request)
    if method == "SearchMessages" and not conversation:  # all of dan's conversations: none
        assert (answer.success, list(answer.message)) == (True, [])
    else:
        assert (answer.success, answer.errmsg) == (False, "您不是该会话的成员")
