"""What a send means: durable, ordered, exactly once, for members only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from google.protobuf.message import Message

from services.protocol.base_pb2 import IMAGE, STRING, MessageContent, UserInfo
from services.protocol.transmit_pb2 import NewMessageReq
from services.protocol.user_pb2 import GetMultiUserInfoRsp
from services.runtime.events import MessageEvent
from services.runtime.profiles import Profiles
from services.runtime.rpc import Clients
from services.stores.ports import Parcel
from services.transmit.answer import send_answer
from services.transmit.batch import Stored
from tests.testbed.messaging import document, picture, rows, send, set_members, text, voice
from tests.testbed.runtime import TestRuntime


async def test_a_message_is_stored_with_the_next_sequence_number(chat: TestRuntime) -> None:
    first = await send(chat, text("ann", "pair", "one"))
    second = await send(chat, text("bob", "pair", "two"))
    assert (first.seq, second.seq) == (1, 2)
    assert await rows(chat, "SELECT seq, user_id, content FROM message ORDER BY seq") == [
        (1, "ann", "one"),
        (2, "bob", "two"),
    ]
    assert await rows(chat, "SELECT last_seq FROM chat_session WHERE chat_session_id = 'pair'") == [(2,)]


async def test_conversations_count_apart(chat: TestRuntime) -> None:
    await send(chat, text("ann", "pair", "one"))
    assert (await send(chat, text("ann", "group", "one"))).seq == 1


async def test_the_answer_has_the_message_as_others_get_it(chat: TestRuntime) -> None:
    answer = await send(chat, text("ann", "pair", "你好", "r1"))
    assert answer.success
    assert answer.request_id == "r1"
    assert answer.message.message_id
    assert answer.message.chat_session_id == "pair"
    assert answer.message.timestamp == int(chat.clock())
    assert answer.message.sender.user_id == "ann"
    assert answer.message.sender.nickname == "Ann"
    assert answer.message.message.string_message.content == "你好"
    assert sorted(answer.member_id) == ["ann", "bob"]
    assert not answer.duplicate


async def test_the_phone_number_of_a_sender_is_not_shown(chat: TestRuntime) -> None:
    await chat.database.write(lambda c: c.change("UPDATE user SET phone = '13800000000' WHERE user_id = 'ann'"))
    assert (await send(chat, text("ann", "pair", "hi"))).message.sender.phone == ""


@pytest.mark.parametrize(
    ("size", "members", "shown"), [(1000, 2, True), (16384, 3, True), (16384, 5, False), (20000, 2, False)]
)
async def test_a_picture_travels_with_a_message_only_while_that_is_little(size: int, members: int, shown: bool) -> None:
    stored = Stored("m1", 1, 0, dict.fromkeys(map(str, range(members))), None, None, None, False)
    person = UserInfo(user_id="ann", nickname="Ann", avatar=b"p" * size)

    async def user_service(service: str, method: str, request: Message, timeout: float) -> GetMultiUserInfoRsp:
        return GetMultiUserInfoRsp(success=True, users_info={"ann": person})

    profiles = Profiles(Clients(user_service), time.time, with_picture=True)
    sender = (await profiles.get(["ann"]))["ann"]
    assert bool(send_answer(text("ann", "c", "hi"), stored, sender).message.sender.avatar) is shown


@pytest.mark.parametrize("conversation", ["pair", "group", "no-such-conversation"])
async def test_who_is_no_member_may_not_send(chat: TestRuntime, conversation: str) -> None:
    answer = await send(chat, text("dan", conversation, "let me in"))
    assert (answer.success, answer.errmsg) == (False, "您不是该会话的成员")
    assert await rows(chat, "SELECT 1 FROM message") == []


async def test_a_removed_member_may_not_send_any_more(chat: TestRuntime) -> None:
    assert (await send(chat, text("cid", "group", "hello"))).success
    await set_members(chat, "group", "ann", "bob")
    assert not (await send(chat, text("cid", "group", "still here"))).success
    answer = await send(chat, text("ann", "group", "bye"))
    assert sorted(answer.member_id) == ["ann", "bob"]


async def test_an_added_member_may_send_at_once(chat: TestRuntime) -> None:
    assert not (await send(chat, text("dan", "group", "hello"))).success
    await set_members(chat, "group", "ann", "bob", "dan")
    assert (await send(chat, text("dan", "group", "hello"))).success


async def test_the_same_request_gives_the_same_answer(chat: TestRuntime) -> None:
    first = await send(chat, text("ann", "pair", "once", "r1"))
    chat.clock.advance(86_400 * 365)
    again = await send(chat, text("ann", "pair", "once", "r1"))
    assert again.duplicate
    assert not first.duplicate
    again.duplicate = False
    assert again == first
    assert await rows(chat, "SELECT count(*) FROM message") == [(1,)]


async def test_the_same_request_twice_at_once_is_one_message(chat: TestRuntime) -> None:
    answers = await asyncio.gather(*(send(chat, text("ann", "pair", "once", "r1")) for _ in range(5)))
    assert {answer.seq for answer in answers} == {1}
    assert sorted(answer.duplicate for answer in answers) == [False, True, True, True, True]
    assert await rows(chat, "SELECT count(*) FROM message") == [(1,)]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("other", [text("ann", "pair", "other", "r1"), text("ann", "group", "once", "r1")])
async def test_another_message_under_a_used_request_id_is_refused(
    chat: TestRuntime, together: bool, other: NewMessageReq
) -> None:
    if together:
        first, second = await asyncio.gather(send(chat, text("ann", "pair", "once", "r1")), send(chat, other))
    else:
        first = await send(chat, text("ann", "pair", "once", "r1"))
        second = await send(chat, other)
    assert first.success
    assert (second.success, second.errmsg) == (False, "该请求标识已用于另一条消息")


async def test_request_ids_of_different_people_do_not_meet(chat: TestRuntime) -> None:
    await send(chat, text("ann", "pair", "mine", "r1"))
    assert (await send(chat, text("bob", "pair", "mine too", "r1"))).seq == 2


async def test_without_a_request_id_every_send_is_a_message(chat: TestRuntime) -> None:
    assert [(await send(chat, text("ann", "pair", "again"))).seq for _ in range(3)] == [1, 2, 3]


async def test_a_refused_message_does_not_disturb_the_others_of_its_batch(chat: TestRuntime) -> None:
    answers = await asyncio.gather(
        send(chat, text("ann", "pair", "one")),
        send(chat, text("dan", "pair", "intruder")),
        send(chat, text("ann", "pair", "two")),
    )
    assert [answer.success for answer in answers] == [True, False, True]
    assert [answer.seq for answer in answers] == [1, 0, 2]


async def test_sending_marks_what_came_before_as_read(chat: TestRuntime) -> None:
    await send(chat, text("bob", "pair", "one"))
    await send(chat, text("ann", "pair", "two"))
    await send(chat, text("bob", "pair", "three"))
    found = await rows(
        chat, "SELECT user_id, read_seq FROM chat_session_member WHERE chat_session_id = 'pair' ORDER BY user_id"
    )
    assert found == [("ann", 2), ("bob", 3)]


async def test_a_clock_that_is_set_back_does_not_reorder_a_conversation(chat: TestRuntime) -> None:
    first = await send(chat, text("ann", "pair", "one"))
    chat.clock.advance(-3600)
    second = await send(chat, text("ann", "pair", "two"))
    assert second.message.timestamp == first.message.timestamp


def bad_requests() -> list[tuple[str, NewMessageReq, str]]:
    mismatch = MessageContent(message_type=IMAGE)
    mismatch.string_message.content = "not a picture"
    unknown = MessageContent(message_type=99)  # type: ignore[arg-type]
    nothing = MessageContent(message_type=STRING)
    return [
        ("an empty text", text("ann", "pair", ""), "消息内容不能为空"),
        ("blanks", text("ann", "pair", " \n\t"), "消息内容不能为空"),
        ("too long a text", text("ann", "pair", "字" * 21846), "消息过长，最多 65535 字节"),
        ("no conversation", text("ann", "", "hi"), "会话标识无效"),
        ("too long a conversation id", text("ann", "c" * 65, "hi"), "会话标识无效"),
        ("too long a request id", text("ann", "pair", "hi", "r" * 65), "请求标识过长，最多 64 个字符"),
        (
            "content of another type",
            NewMessageReq(user_id="ann", chat_session_id="pair", message=mismatch),
            "消息类型与内容不符",
        ),
        ("no content", NewMessageReq(user_id="ann", chat_session_id="pair", message=nothing), "消息类型与内容不符"),
        ("nothing at all", NewMessageReq(user_id="ann", chat_session_id="pair"), "消息类型与内容不符"),
        ("an unknown type", NewMessageReq(user_id="ann", chat_session_id="pair", message=unknown), "不支持的消息类型"),
        ("a picture without content", picture("ann", "pair", b""), "文件内容不能为空"),
        ("a file without name", document("ann", "pair", "", b"x"), "文件名不能为空"),
        ("too long a file name", document("ann", "pair", "n" * 256, b"x"), "文件名过长，最多 255 个字符"),
        ("a file name with a line break", document("ann", "pair", "a\nb", b"x"), "文件名含有无效字符"),
        ("a file of nobody", picture("ann", "pair", b"", file_id="no-such-file"), "文件不存在"),
    ]


@pytest.mark.parametrize(("request_", "why"), [pytest.param(r, why, id=name) for name, r, why in bad_requests()])
async def test_a_malformed_message_is_refused_with_the_reason(
    chat: TestRuntime, request_: NewMessageReq, why: str
) -> None:
    answer = await send(chat, request_)
    assert (answer.success, answer.errmsg) == (False, why)
    assert await rows(chat, "SELECT 1 FROM message") == []


@pytest.mark.parametrize(
    "content", ["字" * 21845, "x" * 65535, "a\0b", "🙂", "\u202ereversed", "'; DROP TABLE message; --"]
)
async def test_any_text_within_the_limit_is_kept_as_it_is(chat: TestRuntime, content: str) -> None:
    answer = await send(chat, text("ann", "pair", content))
    assert answer.message.message.string_message.content == content
    assert await rows(chat, "SELECT content FROM message") == [(content,)]


async def test_text_is_stored_folded_where_that_differs(chat: TestRuntime) -> None:
    for content in ("lower", "Upper", "ＦＵＬＬ", "中文", "123"):
        await send(chat, text("ann", "pair", content))
    found = await rows(chat, "SELECT content, search_text FROM message ORDER BY seq")
    assert found == [("lower", None), ("Upper", "upper"), ("ＦＵＬＬ", "full"), ("中文", None), ("123", None)]


async def test_a_picture_is_answered_with_its_content_and_a_file_to_fetch_it_by(chat: TestRuntime) -> None:
    answer = await send(chat, picture("ann", "pair", b"pixels", "r1"))
    sent = answer.message.message.image_message
    assert sent.image_content == b"pixels"
    assert sent.file_id
    assert await rows(chat, "SELECT file_id, file_size FROM message") == [(sent.file_id, 6)]


async def test_the_size_of_a_file_is_counted_not_believed(chat: TestRuntime) -> None:
    sent = (await send(chat, document("ann", "pair", "报告.pdf", b"content"))).message.message.file_message
    assert (sent.file_name, sent.file_size, sent.file_contents) == ("报告.pdf", 7, b"content")
    sent = (await send(chat, document("ann", "pair", "报告.pdf", b"longer content"))).message.message.file_message
    assert sent.file_size == 14


async def test_a_repetition_gets_its_answer_although_the_sender_has_left_since(chat: TestRuntime) -> None:
    first = await send(chat, text("ann", "group", "hi", "r1"))
    await set_members(chat, "group", "bob", "cid")
    again = await send(chat, text("ann", "group", "hi", "r1"))
    assert (again.success, again.duplicate, again.seq) == (True, True, first.seq)
    assert not (await send(chat, text("ann", "group", "more", "r2"))).success


async def test_a_repetition_among_new_messages_holds_none_of_them_up(chat: TestRuntime) -> None:
    await send(chat, text("ann", "pair", "0", "r0"))
    answers = await asyncio.gather(*(send(chat, text("ann", "pair", str(n), f"r{n}")) for n in range(5)))
    assert [(answer.seq, answer.duplicate) for answer in answers] == [(n + 1, n == 0) for n in range(5)]


async def test_a_repeated_picture_is_one_file(chat: TestRuntime) -> None:
    first = await send(chat, picture("ann", "pair", b"pixels", "r1"))
    again = await send(chat, picture("ann", "pair", b"pixels", "r1"))
    assert again.duplicate
    assert again.message.message.image_message.file_id == first.message.message.image_message.file_id
    assert await rows(chat, "SELECT count(*) FROM file") == [(1,)]


async def test_another_picture_under_a_used_request_id_is_refused(chat: TestRuntime) -> None:
    await send(chat, picture("ann", "pair", b"pixels", "r1"))
    assert not (await send(chat, picture("ann", "pair", b"other pixels", "r1"))).success
    assert (await send(chat, picture("ann", "pair", b"pixels", "r1"))).duplicate


async def test_who_is_no_member_stores_no_file(chat: TestRuntime) -> None:
    assert not (await send(chat, picture("dan", "pair", b"pixels"))).success
    assert await rows(chat, "SELECT count(*) FROM file") == [(0,)]


async def test_an_own_file_may_be_sent_by_its_id(chat: TestRuntime) -> None:
    file_id = (await send(chat, picture("ann", "pair", b"pixels"))).message.message.image_message.file_id
    answer = await send(chat, picture("ann", "group", b"", file_id=file_id))
    assert answer.success
    assert await rows(chat, "SELECT file_id, file_size FROM message WHERE session_id = 'group'") == [(file_id, 6)]


async def test_the_file_of_another_may_not_be_sent_by_its_id(chat: TestRuntime) -> None:
    file_id = (await send(chat, picture("ann", "pair", b"pixels"))).message.message.image_message.file_id
    answer = await send(chat, picture("cid", "group", b"", file_id=file_id))
    assert (answer.success, answer.errmsg) == (False, "文件不存在")


async def test_a_voice_message_asks_for_a_transcript_and_a_text_for_nothing(chat: TestRuntime) -> None:
    asked: list[bytes] = []

    async def handle(parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        asked.extend(parcel.payload for parcel in parcels)
        return {}

    consumption = await chat.queue.consume("transcripts", "store", handle)
    await send(chat, text("ann", "pair", "hello"))
    answer = await send(chat, voice("ann", "pair", b"\0\0" * 100))
    async with asyncio.timeout(10):
        while not asked or await rows(chat, "SELECT 1 FROM outbox"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await consumption.close()
    assert [MessageEvent.decode(event) for event in asked] == [MessageEvent(answer.message.message_id, "pair", 2)]


async def test_message_ids_grow_with_time(chat: TestRuntime) -> None:
    ids = []
    for number in range(5):
        ids += [
            answer.message.message_id
            for answer in await asyncio.gather(
                *(send(chat, text("ann", "pair", f"{number} {index}")) for index in range(4))
            )
        ]
        chat.clock.advance(0.01)
    assert ids == sorted(ids)
    assert len(set(ids)) == 20


async def test_the_sender_is_looked_up_while_the_message_is_stored(
    chat: TestRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else what others send meanwhile is pushed before it."""
    looked_up = asyncio.Event()
    call, write = chat.clients.call, chat.database.write

    def noticing(service: str, method: str, *arguments: Any, **options: Any) -> Any:
        if method == "GetMultiUserInfo":
            looked_up.set()
        return call(service, method, *arguments, **options)

    async def waiting(*arguments: Any, **options: Any) -> Any:
        async with asyncio.timeout(5):
            await looked_up.wait()
        return await write(*arguments, **options)

    monkeypatch.setattr(chat.clients, "call", noticing)
    monkeypatch.setattr(chat.database, "write", waiting)
    answer = await send(chat, text("ann", "pair", "hello"))
    assert answer.message.sender.nickname == "Ann"
