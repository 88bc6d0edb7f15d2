"""Catching up by sequence number, paging, read positions and unread counts."""

from __future__ import annotations

import asyncio

import pytest

from tests.testbed.client import Api, FrameDevice, Person, Refused, befriend, make_group
from tests.testbed.schema import text


async def say(person: Person, chat: str, count: int, prefix: str = "m") -> None:
    device = await person.connect()
    acks = await asyncio.gather(*(device.send(chat, text(f"{prefix}{number}")) for number in range(1, count + 1)))
    assert all(ack["success"] for ack in acks)
    await device.close()


async def catch_up(device: FrameDevice, cursors: dict[str, int], limit: int) -> dict[str, list[int]]:
    """Asks until complete; the numbers that came per conversation, in order."""
    got: dict[str, list[int]] = {}
    for _ in range(50):
        answer = await device.sync(cursors, limit=limit)
        assert answer["success"]
        assert sum(len(delta["message"]) for delta in answer["delta"]) <= limit
        for delta in answer["delta"]:
            seqs = [message["seq"] for message in delta["message"]]
            got.setdefault(delta["chat_session_id"], []).extend(seqs)
            cursors[delta["chat_session_id"]] = seqs[-1] if seqs else delta["last_seq"]
        if answer["complete"]:
            return got
    raise AssertionError("never complete")


async def test_what_was_missed_is_brought_in_order_and_the_answer_says_complete(pair):
    one, other, chat = pair
    await say(one, chat, 10)
    device = await other.connect()
    answer = await device.sync({chat: 4}, limit=100)
    (delta,) = answer["delta"]
    assert [message["seq"] for message in delta["message"]] == [5, 6, 7, 8, 9, 10]
    assert (delta["last_seq"], delta["contiguous"], answer["complete"]) == (10, True, True)
    assert [message["info"]["message"]["string_message"]["content"] for message in delta["message"]] == [
        f"m{number}" for number in range(5, 11)
    ]
    assert (await device.sync({chat: 10}))["delta"] == []
    await device.close()


async def test_an_answer_that_leaves_something_out_says_so(api: Api):
    one, *others = [await api.register() for _ in range(4)]
    chats = [await befriend(one, other) for other in others]
    for chat in chats:
        await say(one, chat, 8)
    device = await others[0].connect()
    mine = await one.connect()
    first = await mine.sync(dict.fromkeys(chats, 0), limit=10)
    assert first["complete"] is False
    got = await catch_up(mine, dict.fromkeys(chats, 0), limit=10)
    assert got == {chat: list(range(1, 9)) for chat in chats}
    await device.close()
    await mine.close()


async def test_a_gap_too_long_is_skipped_openly_and_paged_back(pair):
    one, other, chat = pair
    await say(one, chat, 120)
    device = await other.connect()
    answer = await device.sync({chat: 1}, limit=50)
    (delta,) = answer["delta"]
    seqs = [message["seq"] for message in delta["message"]]
    assert delta["contiguous"] is False
    assert seqs == list(range(seqs[0], 121))
    before = seqs[0]
    while before > 2:
        page = await other.call("get_page", chat_session_id=chat, before_seq=before, limit=20)
        numbers = [message["seq"] for message in page["message"]]
        assert numbers == list(range(before - len(numbers), before))
        before = numbers[0]
        if before == 1:
            assert page["more"] is False
            break
        assert page["more"] is True
    await device.close()


async def test_an_unknown_epoch_makes_cursors_count_for_nothing(pair):
    one, other, chat = pair
    await say(one, chat, 3)
    device = await other.connect()
    answer = await device.sync({chat: 3}, epoch="another")
    (delta,) = answer["delta"]
    assert [message["seq"] for message in delta["message"]] == [1, 2, 3]
    assert answer["epoch"] == device.welcome["epoch"] != "another"
    await device.close()


async def test_conversations_without_a_cursor_come_with_their_newest_messages(pair):
    one, other, chat = pair
    await say(one, chat, 100)
    device = await other.connect()
    (delta,) = (await device.sync({}))["delta"]
    seqs = [message["seq"] for message in delta["message"]]
    assert seqs[-1] == 100
    assert seqs == list(range(seqs[0], 101))
    assert delta["unread"] == 100
    await device.close()


async def test_a_conversation_one_was_removed_from_is_gone(pair):
    one, other, _ = pair
    group = await make_group(one, other)
    await say(one, group, 2)
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=other.user_id)
    device = await other.connect()
    answer = await device.sync({group: 1, "never-there": 5})
    assert set(answer["gone"]) == {group, "never-there"}
    assert answer["delta"] == []
    await device.close()


async def test_one_recognises_own_messages_by_their_request_id(pair):
    one, other, chat = pair
    await one.send(chat, text("x"), "my-request")
    mine, theirs = await one.connect(), await other.connect()
    for device, expected in ((mine, "my-request"), (theirs, "")):
        (delta,) = (await device.sync({chat: 0}))["delta"]
        assert [message["request_id"] for message in delta["message"]] == [expected]
        await device.close()


async def test_a_page_around_a_message(pair):
    one, _, chat = pair
    await say(one, chat, 40)
    page = await one.call("get_page", chat_session_id=chat, around_seq=20, limit=11)
    seqs = [message["seq"] for message in page["message"]]
    assert 20 in seqs
    assert len(seqs) == 11
    assert min(abs(seqs.index(20) - 5), 1) <= 1


async def test_unread_counts_follow_messages_and_read_positions(api: Api, pair):
    one, other, chat = pair
    await say(one, chat, 5)
    state = (await other.conversations())[chat]
    assert (state["last_seq"], state["read_seq"], state["unread"]) == (5, 0, 5)
    assert (await one.conversations())[chat]["unread"] == 0
    answer = await other.call("mark_read", chat_session_id=chat, seq=3)
    assert (answer["read_seq"], answer["unread"]) == (3, 2)
    assert (await other.conversations())[chat]["unread"] == 2
    await other.send(chat, text("answer"))
    assert (await other.conversations())[chat]["unread"] == 0
    assert (await one.conversations())[chat]["unread"] == 1


async def test_a_read_position_never_goes_back_and_never_beyond_the_end(pair):
    one, other, chat = pair
    await say(one, chat, 5)
    device = await other.connect()
    assert (await device.mark_read(chat, 4))["read_seq"] == 4
    assert (await device.mark_read(chat, 2))["read_seq"] == 4
    assert (await other.call("mark_read", chat_session_id=chat, seq=1))["read_seq"] == 4
    assert (await device.mark_read(chat, 2**40))["read_seq"] == 5
    answers = await asyncio.gather(*(device.mark_read(chat, seq) for seq in (1, 5, 2, 3)))
    assert {answer["read_seq"] for answer in answers} == {5}
    await device.close()


async def test_read_positions_are_told_to_own_devices_and_to_members(api: Api, pair):
    one, other, chat = pair
    await say(one, chat, 3)
    again, reader, author = (
        await (await api.login(other.nickname)).connect(),
        await other.connect(),
        await one.connect(),
    )
    await reader.mark_read(chat, 2)
    for device in (again, author):
        told = await device.wait(lambda frame: frame["read"])
        assert told == {"chat_session_id": chat, "user_id": other.user_id, "read_seq": 2}
    for device in (again, reader, author):
        await device.close()


async def test_strangers_neither_mark_nor_page_nor_sync_a_conversation(api: Api, pair):
    one, _, chat = pair
    await one.send(chat, text("secret"))
    stranger = await api.register()
    for name, fields in (("mark_read", {"seq": 1}), ("get_page", {}), ("get_page", {"around_seq": 1})):
        with pytest.raises(Refused):
            await stranger.call(name, chat_session_id=chat, **fields)
    device = await stranger.connect()
    answer = await device.sync({chat: 0})
    assert (answer["delta"], answer["gone"]) == ([], [chat])
    assert (await device.mark_read(chat, 1))["success"] is False
    await device.close()


@pytest.mark.defect("Q4")
async def test_the_conversation_list_is_paged_latest_first(api: Api):
    one = await api.register()
    chats = []
    for _ in range(7):
        other = await api.register()
        chats.append(await befriend(one, other))
    for chat in chats:
        await one.send(chat, text("x"))
        await asyncio.sleep(0.002)
    seen, token, pages = [], "", 0
    while True:
        answer = await one.call("get_conversations", limit=3, page_token=token)
        seen += [item["info"]["chat_session_id"] for item in answer["conversation"]]
        pages += 1
        token = answer["next_page_token"]
        if not token:
            break
    assert (seen, pages) == (chats[::-1], 3)
    for token in ("nonsense", "1", "x.y", "9" * 300):
        with pytest.raises(Refused):
            await one.call("get_conversations", page_token=token)


async def test_sync_over_http_gives_the_same_answer(pair):
    one, other, chat = pair
    await say(one, chat, 3)
    device = await other.connect()
    framed = await device.sync({chat: 1})
    over_http = await other.call("sync", epoch=device.welcome["epoch"], cursor=[{"chat_session_id": chat, "seq": 1}])
    for field in ("delta", "complete", "gone", "epoch"):
        assert over_http[field] == framed[field]
    await device.close()
