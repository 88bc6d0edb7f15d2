"""Applications, friendships, and what the two people are told."""

from __future__ import annotations

import asyncio

from services.protocol import friend_pb2, notify_pb2
from tests.testbed.accounts import PNG, Person, World


async def apply(world: World, a: Person, b_id: str) -> friend_pb2.FriendAddRsp:
    answer: friend_pb2.FriendAddRsp = await world.call(
        "friend", "FriendAdd", friend_pb2.FriendAddReq(user_id=a.user_id, respondent_id=b_id)
    )
    return answer


async def process(
    world: World, b: Person, a_id: str, *, agree: bool = True, event_id: str = ""
) -> friend_pb2.FriendAddProcessRsp:
    answer: friend_pb2.FriendAddProcessRsp = await world.call(
        "friend",
        "FriendAddProcess",
        friend_pb2.FriendAddProcessReq(user_id=b.user_id, apply_user_id=a_id, agree=agree, notify_event_id=event_id),
    )
    return answer


async def friends_of(world: World, person: Person) -> list[str]:
    answer = await world.call("friend", "GetFriendList", friend_pb2.GetFriendListReq(user_id=person.user_id))
    return [info.nickname for info in answer.friend_list]


async def pending_of(world: World, person: Person) -> list[tuple[str, str]]:
    answer = await world.call(
        "friend", "GetPendingFriendEventList", friend_pb2.GetPendingFriendEventListReq(user_id=person.user_id)
    )
    return [(event.event_id, event.sender.nickname) for event in answer.event]


async def test_the_person_asked_is_told_who_asks(world: World) -> None:
    a, b = await world.people("a", "b")
    await world.set_avatar(a)
    answer = await apply(world, a, b.user_id)
    [delivery] = answer.delivery
    assert list(delivery.user_id) == [b.user_id]
    assert delivery.notify.notify_type == notify_pb2.FRIEND_ADD_APPLY_NOTIFY
    info = delivery.notify.friend_add_apply.user_info
    assert (info.user_id, info.nickname, info.avatar) == (a.user_id, "a", PNG)


async def test_the_event_id_is_the_same_in_answer_notification_and_list(world: World) -> None:
    a, b = await world.people("a", "b")
    answer = await apply(world, a, b.user_id)
    assert answer.notify_event_id
    assert answer.delivery[0].notify.notify_event_id == answer.notify_event_id
    assert await pending_of(world, b) == [(answer.notify_event_id, "a")]


async def test_another_applications_event_id_decides_nothing(world: World) -> None:
    a, b, c = await world.people("a", "b", "c")
    await apply(world, a, b.user_id)
    other = (await apply(world, c, b.user_id)).notify_event_id
    assert not (await process(world, b, a.user_id, event_id=other)).success
    assert await friends_of(world, b) == []


async def test_a_decision_without_event_id_counts(world: World) -> None:
    a, b = await world.people("a", "b")
    await apply(world, a, b.user_id)
    assert (await process(world, b, a.user_id)).success


async def test_nobody_applies_to_oneself(world: World) -> None:
    [a] = await world.people("a")
    assert (await apply(world, a, a.user_id)).errmsg == "不能添加自己为好友"


async def test_nobody_applies_to_a_person_that_does_not_exist(world: World) -> None:
    [a] = await world.people("a")
    assert (await apply(world, a, "nobody")).errmsg == "用户不存在"
    assert await world.rows("SELECT * FROM friend_apply") == []


async def test_friends_do_not_apply_again(world: World) -> None:
    a, b = await world.friends("a", "b")
    assert (await apply(world, a, b.user_id)).errmsg == "对方已经是您的好友"


async def test_double_applications_become_one(world: World) -> None:
    a, b = await world.people("a", "b")
    answers = await asyncio.gather(*(apply(world, a, b.user_id) for _ in range(5)))
    assert sum(answer.success for answer in answers) == 1
    assert len(await pending_of(world, b)) == 1


async def test_a_crossing_application_is_pointed_to_the_one_that_waits(world: World) -> None:
    a, b = await world.people("a", "b")
    answers = await asyncio.gather(apply(world, a, b.user_id), apply(world, b, a.user_id))
    assert sorted(answer.errmsg for answer in answers) == ["", "对方已向您发出申请，请先处理"]


async def test_acceptance_settles_a_crossing_application_too(world: World) -> None:
    a, b = await world.people("a", "b")
    await apply(world, a, b.user_id)
    await world.change(
        "INSERT INTO friend_apply (event_id, user_id, peer_id, created_at) VALUES ('e', ?, ?, 0)", b.user_id, a.user_id
    )
    await process(world, b, a.user_id)
    assert await pending_of(world, a) == [] and len(await world.rows("SELECT * FROM chat_session")) == 1


async def test_acceptance_is_told_to_both_in_the_original_order(world: World) -> None:
    a, b = await world.people("a", "b")
    await world.set_avatar(a)
    await world.set_avatar(b)
    await apply(world, a, b.user_id)
    answer = await process(world, b, a.user_id)
    told = [(list(each.user_id), each.notify.notify_type) for each in answer.delivery]
    assert told == [
        ([a.user_id], notify_pb2.FRIEND_ADD_PROCESS_NOTIFY),
        ([a.user_id], notify_pb2.CHAT_SESSION_CREATE_NOTIFY),
        ([b.user_id], notify_pb2.CHAT_SESSION_CREATE_NOTIFY),
    ]
    decision = answer.delivery[0].notify.friend_process_result
    assert (decision.agree, decision.user_info.nickname) == (True, "b")
    for delivery, (peer, name) in zip(answer.delivery[1:], ((b, "b"), (a, "a")), strict=True):
        info = delivery.notify.new_chat_session_info.chat_session_info
        assert info.single_chat_friend_id == peer.user_id
        assert info.chat_session_id == answer.new_session_id
        assert info.chat_session_name == name
        assert info.avatar == PNG
        assert not info.HasField("prev_message")


async def test_acceptance_makes_one_conversation_of_two_members(world: World) -> None:
    a, b = await world.people("a", "b")
    await apply(world, a, b.user_id)
    answers = await asyncio.gather(*(process(world, b, a.user_id) for _ in range(4)))
    assert sum(answer.success for answer in answers) == 1
    assert len(await world.rows("SELECT * FROM chat_session")) == 1
    assert len(await world.rows("SELECT * FROM chat_session_member")) == 2
    assert len(await world.rows("SELECT * FROM relation")) == 2
    assert await friends_of(world, a) == ["b"] and await friends_of(world, b) == ["a"]


async def test_a_refusal_is_told_to_the_applicant_only(world: World) -> None:
    a, b = await world.people("a", "b")
    await apply(world, a, b.user_id)
    answer = await process(world, b, a.user_id, agree=False)
    assert answer.new_session_id == ""
    [delivery] = answer.delivery
    assert list(delivery.user_id) == [a.user_id] and not delivery.notify.friend_process_result.agree
    assert await friends_of(world, b) == [] and await pending_of(world, b) == []


async def test_after_a_refusal_one_may_apply_again(world: World) -> None:
    a, b = await world.people("a", "b")
    await apply(world, a, b.user_id)
    await process(world, b, a.user_id, agree=False)
    assert (await apply(world, a, b.user_id)).success


async def test_an_application_that_never_was_is_not_accepted(world: World) -> None:
    a, b = await world.people("a", "b")
    for applicant in (a.user_id, "nobody", b.user_id):
        answer = await process(world, b, applicant)
        assert not answer.success and answer.errmsg
    assert await world.rows("SELECT * FROM relation") == []


async def test_nobody_accepts_ones_own_application(world: World) -> None:
    a, b = await world.people("a", "b")
    await apply(world, a, b.user_id)
    assert not (await process(world, a, b.user_id)).success


async def test_a_full_list_of_friends_takes_no_more(world: World) -> None:
    world.set("friend", "maxFriends", 1)
    a, _ = await world.friends("a", "b")
    [c] = await world.people("c")
    assert "上限" in (await apply(world, a, c.user_id)).errmsg
    assert (await apply(world, c, a.user_id)).errmsg == "对方的好友数量已达上限"


async def test_applications_without_an_answer_are_limited(world: World) -> None:
    world.set("friend", "maxFriends", 2)
    a, *others = await world.people("a", "b", "c", "d")
    answers = [await apply(world, a, other.user_id) for other in others]
    assert [answer.success for answer in answers] == [True, True, False]
    assert "过多" in answers[2].errmsg


async def remove(world: World, a: Person, b_id: str) -> friend_pb2.FriendRemoveRsp:
    answer: friend_pb2.FriendRemoveRsp = await world.call(
        "friend", "FriendRemove", friend_pb2.FriendRemoveReq(user_id=a.user_id, peer_id=b_id)
    )
    return answer


async def test_the_removed_person_is_told_who_removed_them(world: World) -> None:
    a, b = await world.friends("a", "b")
    told = (await remove(world, a, b.user_id)).delivery[0]
    assert list(told.user_id) == [b.user_id]
    assert told.notify.notify_type == notify_pb2.FRIEND_REMOVE_NOTIFY
    assert told.notify.friend_remove.user_id == a.user_id


async def test_clients_that_know_frames_hear_that_the_conversation_is_gone(world: World) -> None:
    a, b = await world.friends("a", "b")
    session_id = await world.single(a, b)
    told = (await remove(world, a, b.user_id)).delivery[1]
    assert set(told.user_id) == {a.user_id, b.user_id}
    assert told.frame.conversation.chat_session_id == session_id and told.frame.conversation.gone
    assert not told.HasField("notify") and not told.HasField("plain")


async def test_removal_leaves_neither_relation_nor_conversation(world: World) -> None:
    a, b = await world.friends("a", "b")
    await remove(world, a, b.user_id)
    for table in ("relation", "chat_session", "chat_session_member"):
        assert await world.rows(f"SELECT * FROM {table}") == []


async def test_removing_twice_or_a_stranger_changes_and_tells_nothing(world: World) -> None:
    a, b = await world.friends("a", "b")
    [c] = await world.people("c")
    await remove(world, a, b.user_id)
    for other in (b.user_id, c.user_id, a.user_id, "nobody"):
        answer = await remove(world, a, other)
        assert answer.success and not answer.delivery


async def test_people_become_friends_again(world: World) -> None:
    a, b = await world.friends("a", "b")
    old = await world.single(a, b)
    await remove(world, a, b.user_id)
    await apply(world, b, a.user_id)
    assert (await process(world, a, b.user_id)).new_session_id not in {"", old}


async def search(world: World, person: Person, key: str) -> list[str]:
    answer = await world.call(
        "friend", "FriendSearch", friend_pb2.FriendSearchReq(user_id=person.user_id, search_key=key)
    )
    assert all(not info.phone for info in answer.user_info)
    return [info.nickname for info in answer.user_info]


async def test_search_leaves_out_oneself_and_ones_friends(world: World) -> None:
    a, _ = await world.friends("name-a", "name-b")
    await world.people("name-c")
    assert await search(world, a, "name") == ["name-c"]


async def test_a_phone_number_finds_its_owner_and_is_not_shown(world: World) -> None:
    [a] = await world.people("a")
    owner = await world.register_by_phone("13800138000")
    assert await search(world, a, "13800138000") == [owner.user_id]


async def test_a_vanished_friend_does_not_spoil_the_list(world: World) -> None:
    a, b, _ = await world.friends("a", "b", "c")
    await world.change("DELETE FROM user WHERE user_id = ?", b.user_id)
    assert await friends_of(world, a) == ["c"]
