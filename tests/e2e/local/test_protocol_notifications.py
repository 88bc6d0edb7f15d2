"""Who is told what, and that it happens before the answer of the operation that caused it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.testbed import schema
from tests.testbed.client import Api, Device, Person, befriend, make_group
from tests.testbed.schema import attachment, picture, text, voice

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def listening(*people: Person) -> list[Device]:
    devices = [await person.listen() for person in people]
    await asyncio.sleep(0.15)
    return devices


def kinds(device: Device) -> list[int]:
    return [message["notify_type"] for message in device.received]


async def quiet(*devices: Device) -> None:
    """Checks that nothing more arrives."""
    await asyncio.sleep(0.2)
    for device in devices:
        assert device.pending() == []


async def close(*devices: Device) -> None:
    for device in devices:
        await device.close()


async def before_the_answer(person: Person, device: Device, name: str, kind: int, **fields: Any) -> dict[str, Any]:
    """Runs an operation and checks that its notification needs no further waiting than one turn of the sockets: the server
    had written it before it wrote the answer. Both come over different sockets, so the test reads the notification with a
    deadline far below any push that was put off to after the answer by a timer or another process."""
    await person.call(name, **fields)
    return await device.notification(kind, timeout=1.0)


async def test_an_application_goes_to_the_person_asked_only(api: Api):
    one, other = await api.register(), await api.register()
    await one.call("set_avatar", avatar=PNG)
    mine, theirs = await listening(one, other)
    answer = await one.call("add_friend_apply", respondent_id=other.user_id)
    notification = await theirs.notification(schema.FRIEND_ADD_APPLY, timeout=1.0)
    person = notification["friend_add_apply"]["user_info"]
    assert (person["user_id"], person["nickname"], person["phone"]) == (one.user_id, one.nickname, "")
    assert person["avatar"] == PNG
    assert notification["notify_event_id"] in ("", answer["notify_event_id"])
    await quiet(mine, theirs)
    await close(mine, theirs)


@pytest.mark.parametrize("agree", [True, False])
async def test_a_decision_goes_to_the_applicant(api: Api, agree: bool):
    one, other = await api.register(), await api.register()
    await one.call("add_friend_apply", respondent_id=other.user_id)
    mine, theirs = await listening(one, other)
    answer = await other.call("add_friend_process", agree=agree, apply_user_id=one.user_id)
    result = (await mine.notification(schema.FRIEND_ADD_PROCESS, timeout=1.0))["friend_process_result"]
    assert result["agree"] is agree
    assert (result["user_info"]["user_id"], result["user_info"]["nickname"]) == (other.user_id, other.nickname)
    if agree:
        for device, peer in ((mine, other), (theirs, one)):
            created = await device.notification(schema.CHAT_SESSION_CREATE, timeout=1.0)
            info = created["new_chat_session_info"]["chat_session_info"]
            assert info["chat_session_id"] == answer["new_session_id"]
            assert info["single_chat_friend_id"] == peer.user_id
            assert info["chat_session_name"] == peer.nickname
            assert info["prev_message"] is None
    await quiet(mine, theirs)
    assert kinds(mine) == ([1, 2] if agree else [1])
    assert kinds(theirs) == ([2] if agree else [])
    await close(mine, theirs)


async def test_a_new_group_goes_to_every_member_creator_included(api: Api, pair):
    one, other, _ = pair
    stranger = await api.register()
    devices = await listening(one, other, stranger)
    group = await make_group(one, other, name="群 👪")
    for device in devices[:2]:
        created = await device.notification(schema.CHAT_SESSION_CREATE, timeout=1.0)
        info = created["new_chat_session_info"]["chat_session_info"]
        assert (info["chat_session_id"], info["chat_session_name"]) == (group, "群 👪")
        assert info["single_chat_friend_id"] == ""
    await quiet(*devices)
    await close(*devices)


@pytest.mark.parametrize(
    ("content", "part", "data"),
    [
        (text("你好 😀"), "string_message", {"content": "你好 😀"}),
        (picture(PNG), "image_message", {"image_content": PNG}),
        (
            attachment("a.txt", b"abc"),
            "file_message",
            {"file_name": "a.txt", "file_contents": b"abc", "file_size": 3},
        ),
        (voice(bytes(640)), "speech_message", {"file_contents": bytes(640)}),
    ],
    ids=["text", "picture", "file", "voice"],
)
async def test_a_message_goes_to_every_other_member_with_its_content(api: Api, pair, content, part, data):
    one, other, chat = pair
    mine, theirs = await listening(one, other)
    await one.send(chat, content)
    notification = await theirs.notification(schema.CHAT_MESSAGE, timeout=1.0)
    info = notification["new_message_info"]["message_info"]
    assert info["chat_session_id"] == chat
    assert (info["sender"]["user_id"], info["sender"]["nickname"]) == (one.user_id, one.nickname)
    sent = info["message"][part]
    assert data.items() <= sent.items()
    if part != "string_message":
        fetched = await other.call("get_single_file", file_id=sent["file_id"])
        expected = data.get("image_content") or data.get("file_contents")
        assert fetched["file_data"]["file_content"] == expected
    (stored,) = await other.history(chat)
    assert (stored["message_id"], stored["timestamp"]) == (info["message_id"], info["timestamp"])
    await quiet(mine, theirs)
    await close(mine, theirs)


async def test_removal_of_a_friend_goes_to_the_other_person(pair):
    one, other, _ = pair
    mine, theirs = await listening(one, other)
    await one.call("remove_friend", peer_id=other.user_id)
    notification = await theirs.notification(schema.FRIEND_REMOVE, timeout=1.0)
    assert notification["friend_remove"]["user_id"] == one.user_id
    await close(mine, theirs)


async def test_state_is_there_when_the_notification_arrives(api: Api):
    """The browser client fetches lists again on a notification, so it must find the new state."""
    one, other = await api.register(), await api.register()
    mine, theirs = await listening(one, other)

    async def on_application() -> None:
        await theirs.notification(schema.FRIEND_ADD_APPLY)
        assert (await other.call("get_pending_friend_events"))["event"]
        await other.call("add_friend_process", agree=True, apply_user_id=one.user_id)

    async def on_decision() -> None:
        await mine.notification(schema.FRIEND_ADD_PROCESS)
        assert (await one.call("get_friend_list"))["friend_list"]
        await mine.notification(schema.CHAT_SESSION_CREATE)
        (chat,) = await one.conversations()
        await one.send(chat, text("x"))

    async def on_message() -> None:
        received = await theirs.notification(schema.CHAT_MESSAGE)
        info = received["new_message_info"]["message_info"]
        history = await other.history(info["chat_session_id"])
        assert [message["message_id"] for message in history] == [info["message_id"]]

    asking = [asyncio.create_task(step()) for step in (on_application, on_decision, on_message)]
    await one.call("add_friend_apply", respondent_id=other.user_id)
    await asyncio.wait_for(asyncio.gather(*asking), 10)
    await close(mine, theirs)


async def test_notifications_are_written_before_the_answer(pair):
    """With the answer in hand, the notification is already in the receiver's socket: many times in a row, no waiting."""
    one, other, chat = pair
    (theirs,) = await listening(other)
    for number in range(20):
        await before_the_answer(
            one, theirs, "new_message", schema.CHAT_MESSAGE, chat_session_id=chat, message=text(str(number))
        )
    await close(theirs)


@pytest.mark.defect("C12")
async def test_added_members_learn_of_the_group_and_the_others_of_the_change(api: Api, pair):
    one, other, _ = pair
    third = await api.register()
    await befriend(one, third)
    group = await make_group(one, other, name="组")
    plain_other, plain_third = await listening(other, third)
    frames_other, frames_third = await other.connect(), await third.connect()
    await one.call("chat_session_add_member", chat_session_id=group, member_id_list=[third.user_id])
    created = await plain_third.notification(schema.CHAT_SESSION_CREATE, timeout=1.0)
    info = created["new_chat_session_info"]["chat_session_info"]
    assert (info["chat_session_id"], info["chat_session_name"]) == (group, "组")
    assert info["single_chat_friend_id"] == ""
    refetch = await plain_other.next(1.0)
    assert refetch["notify_type"] in (schema.FRIEND_REMOVE, schema.CHAT_SESSION_CREATE)
    changed = await frames_other.wait(lambda frame: frame["conversation"], 1.0)
    assert (changed["chat_session_id"], changed["added_user_id"]) == (group, [third.user_id])
    await frames_third.wait(lambda frame: frame["event"] or frame["conversation"], 1.0)
    await close(plain_other, plain_third, frames_other, frames_third)


@pytest.mark.defect("C12")
async def test_removed_members_learn_of_it_and_the_others_too(api: Api, pair):
    one, other, _ = pair
    third = await api.register()
    await befriend(one, third)
    group = await make_group(one, other, third)
    plain_other, plain_third = await listening(other, third)
    frames_other, frames_third = await other.connect(), await third.connect()
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=third.user_id)
    for device in (plain_other, plain_third):
        notification = await device.next(1.0)
        assert notification["notify_type"] == schema.FRIEND_REMOVE
        assert notification["friend_remove"]["user_id"] not in {one.user_id, other.user_id, third.user_id}
    changed = await frames_other.wait(lambda frame: frame["conversation"], 1.0)
    assert (changed["removed_user_id"], changed["gone"]) == ([third.user_id], False)
    gone = await frames_third.wait(lambda frame: frame["conversation"], 1.0)
    assert (gone["chat_session_id"], gone["gone"]) == (group, True)
    await close(plain_other, plain_third, frames_other, frames_third)


async def test_a_renamed_group_is_told_to_its_members(pair):
    one, other, _ = pair
    group = await make_group(one, other, name="alt")
    frames = await other.connect()
    await one.call("rename_chat_session", chat_session_id=group, chat_session_name="neu 新")
    changed = await frames.wait(lambda frame: frame["conversation"], 1.0)
    assert changed["chat_session_name"] == "neu 新"
    assert (await other.conversations())[group]["info"]["chat_session_name"] == "neu 新"
    await close(frames)


async def test_a_changed_profile_is_told_to_friends(pair):
    one, other, _ = pair
    frames = await other.connect()
    await one.call("set_description", description="new")
    changed = await frames.wait(lambda frame: frame["profile"], 2.0)
    assert changed["user_id"] == one.user_id
    await close(frames)


async def test_plain_clients_get_only_the_original_kinds(api: Api, pair):
    one, other, chat = pair
    (device,) = await listening(other)
    await one.send(chat, text("a"))
    await one.call("set_description", description="new")
    await one.call("mark_read", chat_session_id=chat, seq=1)
    group = await make_group(one, other)
    await one.call("rename_chat_session", chat_session_id=group, chat_session_name="n")
    await one.send(chat, text("b"))
    await device.wait(
        lambda message: (
            message["new_message_info"]
            and message["new_message_info"]["message_info"]["message"]["string_message"]["content"] == "b"
        )
    )
    assert device.problem is None
    assert set(kinds(device)) <= {0, 1, 2, 3, 4}
    await close(device)
