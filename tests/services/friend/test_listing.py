"""Lists of conversations."""

from __future__ import annotations

from services.protocol import friend_pb2
from tests.testbed.accounts import PNG, Person, World


async def listed(world: World, person: Person) -> friend_pb2.GetChatSessionListRsp:
    answer: friend_pb2.GetChatSessionListRsp = await world.call(
        "friend", "GetChatSessionList", friend_pb2.GetChatSessionListReq(user_id=person.user_id)
    )
    assert answer.success
    return answer


async def page(world: World, person: Person, limit: int = 0, token: str = "") -> friend_pb2.GetConversationsRsp:
    answer: friend_pb2.GetConversationsRsp = await world.call(
        "friend",
        "GetConversations",
        friend_pb2.GetConversationsReq(user_id=person.user_id, limit=limit, page_token=token),
    )
    return answer


async def test_one_to_one_conversations_come_first_with_the_peers_name_and_picture(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    await world.set_avatar(b)
    group = await world.group(a, b, c)
    infos = list((await listed(world, a)).chat_session_info_list)
    assert [(info.single_chat_friend_id, info.chat_session_name, info.avatar) for info in infos] == [
        (b.user_id, "b", PNG),
        (c.user_id, "c", b""),
        ("", "群", b""),
    ]
    assert infos[2].chat_session_id == group


async def test_the_last_message_is_set_only_where_there_is_one(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    talked, silent = await world.single(a, b), await world.single(a, c)
    await world.say(talked, b, "第一")
    await world.say(talked, b, "最后")
    infos = {info.chat_session_id: info for info in (await listed(world, a)).chat_session_info_list}
    assert infos[talked].prev_message.message.string_message.content == "最后"
    assert infos[talked].prev_message.sender.nickname == "b"
    assert not infos[silent].HasField("prev_message")


async def test_the_list_costs_the_same_number_of_calls_however_long_it_is(world: World) -> None:
    a, *_ = await world.friends("a", "b", "c", "d", "e", "f")
    world.calls.clear()
    await listed(world, a)
    asked = [call for call in world.calls if call[0] != "friend"]
    assert sorted(asked) == [("store", "GetLastMessages"), ("user", "GetMultiUserInfo")]


async def test_without_the_store_service_the_list_comes_without_last_messages(world: World) -> None:
    a, b = await world.friends("a", "b")
    await world.say(await world.single(a, b), b, "hi")
    world.drop("store")
    [info] = (await listed(world, a)).chat_session_info_list
    assert info.chat_session_name == "b" and not info.HasField("prev_message")


async def test_a_vanished_peer_leaves_the_list_whole(world: World) -> None:
    a, b, _ = await world.friends("a", "b", "c")
    await world.change("DELETE FROM user WHERE user_id = ?", b.user_id)
    assert all(info.chat_session_name for info in (await listed(world, a)).chat_session_info_list)


async def test_nobody_sees_conversations_of_others(world: World) -> None:
    await world.friends("a", "b")
    [c] = await world.people("c")
    assert list((await listed(world, c)).chat_session_info_list) == []
    assert list((await page(world, c)).conversation) == []


async def test_pages_hold_every_conversation_once_the_latest_first(world: World) -> None:
    a, *peers = await world.friends("a", "b", "c", "d", "e")
    singles = [await world.single(a, peer) for peer in peers]
    for session_id in (singles[2], singles[0], singles[3]):
        world.clock.now += 1
        await world.say(session_id, a, "hi")
    seen: list[str] = []
    token = ""
    while True:
        answer = await page(world, a, 2, token)
        seen += [each.info.chat_session_id for each in answer.conversation]
        token = answer.next_page_token
        if not token:
            break
    assert seen == [singles[3], singles[0], singles[2], singles[1]]


async def test_a_page_counts_what_is_unread(world: World) -> None:
    a, b = await world.friends("a", "b")
    session_id = await world.single(a, b)
    for _ in range(3):
        await world.say(session_id, b, "hi")
    await world.change("UPDATE chat_session_member SET read_seq = 1 WHERE user_id = ?", a.user_id)
    [conversation] = (await page(world, a)).conversation
    assert (conversation.last_seq, conversation.read_seq, conversation.unread) == (3, 1, 2)
    assert conversation.prev_message_seq == 3


async def test_a_page_tells_owner_and_size_of_a_group(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b, c)
    found = {each.info.chat_session_id: each for each in (await page(world, b)).conversation}
    assert (found[group].owner_id, found[group].member_count) == (a.user_id, 3)


async def test_a_wrong_page_token_is_refused(world: World) -> None:
    [a] = await world.people("a")
    for token in ("x", "1", "-1.x", "9" * 100 + ".x", ".x"):
        assert (await page(world, a, 2, token)).errmsg == "分页参数无效"
