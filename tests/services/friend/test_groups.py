"""Groups: who makes them, who brings whom, who goes, and what the members are told."""

from __future__ import annotations

import asyncio

import pytest

from services.protocol import friend_pb2, notify_pb2
from services.protocol.gateway_pb2 import Delivery
from tests.testbed.accounts import Person, World


async def create(world: World, owner: Person, *members: str, name: str = "群") -> friend_pb2.ChatSessionCreateRsp:
    answer: friend_pb2.ChatSessionCreateRsp = await world.call(
        "friend",
        "ChatSessionCreate",
        friend_pb2.ChatSessionCreateReq(user_id=owner.user_id, chat_session_name=name, member_id_list=members),
    )
    return answer


async def add(world: World, who: Person, session_id: str, *members: str) -> friend_pb2.ChatSessionAddMemberRsp:
    answer: friend_pb2.ChatSessionAddMemberRsp = await world.call(
        "friend",
        "ChatSessionAddMember",
        friend_pb2.ChatSessionAddMemberReq(user_id=who.user_id, chat_session_id=session_id, member_id_list=members),
    )
    return answer


async def remove(world: World, who: Person, session_id: str, member: str) -> friend_pb2.ChatSessionRemoveMemberRsp:
    answer: friend_pb2.ChatSessionRemoveMemberRsp = await world.call(
        "friend",
        "ChatSessionRemoveMember",
        friend_pb2.ChatSessionRemoveMemberReq(user_id=who.user_id, chat_session_id=session_id, member_id=member),
    )
    return answer


async def rename(world: World, who: Person, session_id: str, name: str) -> friend_pb2.RenameChatSessionRsp:
    answer: friend_pb2.RenameChatSessionRsp = await world.call(
        "friend",
        "RenameChatSession",
        friend_pb2.RenameChatSessionReq(user_id=who.user_id, chat_session_id=session_id, chat_session_name=name),
    )
    return answer


async def members(world: World, who: Person, session_id: str) -> list[str] | str:
    answer = await world.call(
        "friend",
        "GetChatSessionMember",
        friend_pb2.GetChatSessionMemberReq(user_id=who.user_id, chat_session_id=session_id),
    )
    return [info.nickname for info in answer.member_info_list] if answer.success else str(answer.errmsg)


async def version(world: World, session_id: str) -> int:
    rows = await world.rows("SELECT member_version FROM chat_session WHERE chat_session_id = ?", session_id)
    return int(rows[0][0])


def is_refetch(delivery: Delivery, session_id: str) -> bool:
    """What an existing client gets to make it fetch its lists again."""
    plain = delivery.plain
    return plain.notify_type == notify_pb2.FRIEND_REMOVE_NOTIFY and plain.friend_remove.user_id == session_id


async def test_every_member_hears_of_a_new_group_its_creator_too(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    answer = await create(world, a, a.user_id, b.user_id, c.user_id)
    [delivery] = answer.delivery
    assert set(delivery.user_id) == {a.user_id, b.user_id, c.user_id}
    assert delivery.notify.notify_type == notify_pb2.CHAT_SESSION_CREATE_NOTIFY
    info = delivery.notify.new_chat_session_info.chat_session_info
    assert (info.chat_session_name, info.single_chat_friend_id) == ("群", "")
    assert info.chat_session_id == answer.chat_session_info.chat_session_id


async def test_the_creator_is_a_member_and_nobody_is_one_twice(world: World) -> None:
    a, b = await world.friends("a", "b")
    session_id = (await create(world, a, b.user_id, b.user_id)).chat_session_info.chat_session_id
    assert sorted(await members(world, a, session_id)) == ["a", "b"]


async def test_unknown_people_are_refused_by_name(world: World) -> None:
    a, b = await world.friends("a", "b")
    answer = await create(world, a, b.user_id, "nobody")
    assert answer.errmsg == "用户不存在：nobody"
    assert len(await world.rows("SELECT * FROM chat_session")) == 1  # the one of the two friends


async def test_one_puts_only_friends_into_a_group(world: World) -> None:
    a, b = await world.friends("a", "b")
    [stranger] = await world.people("路人")
    assert (await create(world, a, b.user_id, stranger.user_id)).errmsg == "只能邀请自己的好友：路人"
    group = await world.group(a, b)
    assert (await add(world, a, group, stranger.user_id)).errmsg == "只能邀请自己的好友：路人"


async def test_group_names_hold_emoji(world: World) -> None:
    a, b = await world.friends("a", "b")
    answer = await create(world, a, b.user_id, name="🎉派对🎉")
    rows = await world.rows(
        "SELECT chat_session_name FROM chat_session WHERE chat_session_id = ?", answer.chat_session_info.chat_session_id
    )
    assert rows == [("🎉派对🎉",)]


@pytest.mark.parametrize("name", ["x" * 65, "a\nb"])
async def test_a_name_that_cannot_be_shown_is_refused(world: World, name: str) -> None:
    [a] = await world.people("a")
    assert "群名称" in (await create(world, a, name=name)).errmsg


async def test_a_group_is_never_without_a_name(world: World) -> None:
    [a] = await world.people("a")
    assert (await create(world, a, name=" ")).chat_session_info.chat_session_name == "群聊"


async def test_a_group_has_a_largest_size(world: World) -> None:
    world.set("friend", "maxMembers", 3)
    a, b, c, d = await world.friends("a", "b", "c", "d")
    assert "3 人" in (await create(world, a, b.user_id, c.user_id, d.user_id)).errmsg
    group = await world.group(a, b, c)
    assert "3 人" in (await add(world, a, group, d.user_id)).errmsg


async def test_simultaneous_additions_do_not_pass_the_limit(world: World) -> None:
    world.set("friend", "maxMembers", 3)
    a, b, *rest = await world.friends("a", "b", "c", "d", "e")
    group = await world.group(a, b)
    await asyncio.gather(*(add(world, a, group, person.user_id) for person in rest))
    assert len(await members(world, a, group)) == 3


async def test_one_is_in_so_many_groups_at_most(world: World) -> None:
    world.set("friend", "maxGroups", 1)
    a, b = await world.friends("a", "b")
    await world.group(a, b)
    assert "上限" in (await create(world, a)).errmsg


async def test_new_members_get_the_group_and_the_others_the_change(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b)
    created, to_new, to_old = (await add(world, a, group, c.user_id)).delivery
    assert list(created.user_id) == [c.user_id]
    assert created.notify.new_chat_session_info.chat_session_info.chat_session_id == group
    assert list(to_new.user_id) == [c.user_id] and not to_new.HasField("plain")
    assert set(to_old.user_id) == {a.user_id, b.user_id} and is_refetch(to_old, group)
    for delivery in (to_new, to_old):
        assert list(delivery.frame.conversation.added_user_id) == [c.user_id]
        assert not delivery.frame.conversation.gone


async def test_any_member_brings_in_own_friends(world: World) -> None:
    a, b = await world.friends("a", "b")
    group = await world.group(a, b)
    [c] = await world.people("c")
    await world.befriend(b, c)
    assert (await add(world, b, group, c.user_id)).success
    assert sorted(await members(world, c, group)) == ["a", "b", "c"]


async def test_who_is_a_member_already_is_passed_over(world: World) -> None:
    a, b = await world.friends("a", "b")
    group = await world.group(a, b)
    before = await version(world, group)
    answer = await add(world, a, group, b.user_id, a.user_id)
    assert answer.success and not answer.delivery and await version(world, group) == before


async def test_what_was_said_before_one_came_is_not_unread(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b)
    await world.say(group, a)
    await add(world, a, group, c.user_id)
    rows = await world.rows(
        "SELECT read_seq FROM chat_session_member WHERE chat_session_id = ? AND user_id = ?", group, c.user_id
    )
    assert rows == [(1,)]


async def test_outsiders_neither_see_nor_change_a_group(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b)
    refused = "会话不存在或您不是其成员"
    assert await members(world, c, group) == refused
    assert await members(world, c, "nothing") == refused
    assert (await add(world, c, group, c.user_id)).errmsg == refused
    assert (await remove(world, c, group, b.user_id)).errmsg == refused
    assert (await rename(world, c, group, "x")).errmsg == refused


async def test_only_the_owner_removes_others(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b, c)
    assert (await remove(world, b, group, c.user_id)).errmsg == "只有群主可以移除其他成员"
    assert (await remove(world, a, group, c.user_id)).success
    assert sorted(await members(world, a, group)) == ["a", "b"]


async def test_a_removal_is_told_to_the_removed_and_to_the_rest(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b, c)
    gone, change = (await remove(world, a, group, c.user_id)).delivery
    assert list(gone.user_id) == [c.user_id] and gone.frame.conversation.gone and is_refetch(gone, group)
    assert set(change.user_id) == {a.user_id, b.user_id} and is_refetch(change, group)
    assert list(change.frame.conversation.removed_user_id) == [c.user_id]
    assert not change.frame.conversation.gone


async def test_every_change_of_membership_raises_the_version(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b)
    versions = [await version(world, group)]
    await add(world, a, group, c.user_id)
    versions.append(await version(world, group))
    await remove(world, a, group, c.user_id)
    versions.append(await version(world, group))
    assert versions == sorted(set(versions))


async def test_everyone_may_leave(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b, c)
    assert (await remove(world, b, group, b.user_id)).success
    assert await members(world, b, group) == "会话不存在或您不是其成员"


async def test_ownership_passes_on_when_the_owner_leaves(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b)
    world.clock.now += 1
    await add(world, a, group, c.user_id)
    await remove(world, a, group, a.user_id)
    assert await world.rows("SELECT owner_id FROM chat_session WHERE chat_session_id = ?", group) == [(b.user_id,)]


async def test_the_last_one_to_leave_takes_the_group_along(world: World) -> None:
    a, b = await world.friends("a", "b")
    group = await world.group(a, b)
    await remove(world, b, group, b.user_id)
    await remove(world, a, group, a.user_id)
    assert await world.rows("SELECT * FROM chat_session WHERE chat_session_id = ?", group) == []


async def test_who_is_no_member_cannot_be_removed(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b)
    assert (await remove(world, a, group, c.user_id)).errmsg == "该用户不是群成员"


async def test_a_conversation_of_two_keeps_its_members(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    single = await world.single(a, b)
    for answer in (
        await add(world, a, single, c.user_id),
        await remove(world, a, single, b.user_id),
        await remove(world, a, single, a.user_id),
        await rename(world, a, single, "x"),
    ):
        assert answer.errmsg == "单聊不能修改成员或名称"
    assert sorted(await members(world, a, single)) == ["a", "b"]


async def test_the_owner_renames_and_all_hear_of_it(world: World) -> None:
    a, b = await world.friends("a", "b")
    group = await world.group(a, b)
    assert (await rename(world, b, group, "新名")).errmsg == "只有群主可以修改群名称"
    [delivery] = (await rename(world, a, group, " 新名 ")).delivery
    assert set(delivery.user_id) == {a.user_id, b.user_id} and is_refetch(delivery, group)
    assert delivery.frame.conversation.chat_session_name == "新名"
    assert not (await rename(world, a, group, "  ")).success


async def test_a_vanished_member_does_not_spoil_the_list(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b, c)
    await world.change("DELETE FROM user WHERE user_id = ?", b.user_id)
    assert sorted(await members(world, a, group)) == ["a", "c"]


async def test_member_lists_show_no_phone_numbers(world: World) -> None:
    a, b = await world.friends("a", "b")
    await world.change("UPDATE user SET phone = '13800138000' WHERE user_id = ?", b.user_id)
    answer = await world.call(
        "friend",
        "GetChatSessionMember",
        friend_pb2.GetChatSessionMemberReq(user_id=a.user_id, chat_session_id=await world.group(a, b)),
    )
    assert {info.phone for info in answer.member_info_list} == {""}
