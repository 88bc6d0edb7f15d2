"""Read positions never go back, never pass the end, and are told to who has use for them."""

from __future__ import annotations

from services.protocol.store_pb2 import MarkReadReq, MarkReadRsp
from tests.testbed.messaging import say
from tests.testbed.runtime import TestRuntime


async def mark(chat: TestRuntime, user: str, seq: int, conversation: str = "pair") -> MarkReadRsp:
    request = MarkReadReq(user_id=user, chat_session_id=conversation, seq=seq)
    answer = await chat.clients.call("store", "MarkRead", request)
    assert isinstance(answer, MarkReadRsp)
    return answer


async def test_reading_on_lowers_what_is_unread(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *"abcde")
    answer = await mark(chat, "bob", 2)
    assert (answer.read_seq, answer.unread, answer.advanced) == (2, 3, True)


async def test_a_position_never_goes_back(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *"abcde")
    await mark(chat, "bob", 4)
    answer = await mark(chat, "bob", 2)
    assert (answer.read_seq, answer.unread, answer.advanced, list(answer.member_id)) == (4, 1, False, [])


async def test_a_position_never_passes_the_last_message(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", "a")
    assert (await mark(chat, "bob", 2**63)).read_seq == 1
    await say(chat, "ann", "pair", "b")
    assert (await mark(chat, "bob", 0)).unread == 1


async def test_own_messages_are_never_unread(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", *"abc")
    assert (await mark(chat, "ann", 0)).unread == 0


async def test_both_people_of_a_pair_hear_of_it_and_of_a_group_only_the_reader(chat: TestRuntime) -> None:
    await say(chat, "ann", "pair", "a")
    await say(chat, "ann", "group", "a")
    assert sorted((await mark(chat, "bob", 1)).member_id) == ["ann", "bob"]
    assert list((await mark(chat, "bob", 1, "group")).member_id) == ["bob"]
