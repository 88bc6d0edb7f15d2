"""How the system before this one lost, doubled or confused things."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from tests.testbed import speech
from tests.testbed.client import PASSWORD, Api, Refused, befriend, make_group, new_name
from tests.testbed.process import wait_for
from tests.testbed.schema import CHAT_MESSAGE, attachment, picture, text, voice
from tests.testbed.system import System

defect = pytest.mark.defect
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def contents(messages: list[dict]) -> list[str]:
    return [message["message"]["string_message"]["content"] for message in messages]


@defect("C2")
async def test_a_reload_whose_new_socket_comes_first_keeps_its_push(pair):
    one, other, chat = pair
    old = await other.listen()
    new = await other.listen()
    await asyncio.sleep(0.15)
    await old.close()
    await asyncio.sleep(0.1)
    await one.send(chat, text("after the reload"))
    await new.notification(CHAT_MESSAGE)
    await new.close()


@defect("C2")
async def test_closing_one_device_leaves_the_others_connected(api: Api, pair):
    one, other, chat = pair
    devices = [await (await api.login(other.nickname)).listen() for _ in range(4)]
    await asyncio.sleep(0.15)
    devices[0].cut()
    await devices[2].close()
    await asyncio.sleep(0.1)
    await one.send(chat, text("still"))
    for device in (devices[1], devices[3]):
        await device.notification(CHAT_MESSAGE)
        await device.close()


@defect("C3")
async def test_what_was_acknowledged_survives_an_immediate_kill(start_system):
    own = await asyncio.to_thread(start_system)
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    for number in range(3):
        await one.send(chat, text(f"text {number}"))
        await one.send(chat, attachment("f", b"%d" % number))
        own.processes["all"].kill()
        own.restart("all")
        await asyncio.to_thread(own.wait_ready)
        await api.close()
    answer = await other.call("get_recent", chat_session_id=chat, msg_count=10)
    assert contents(answer["msg_list"][::2]) == ["text 0", "text 1", "text 2"]
    files = [message["message"]["file_message"]["file_contents"] for message in answer["msg_list"][1::2]]
    assert files == [b"0", b"1", b"2"]
    await api.close()


@defect("C4")
async def test_work_that_failed_is_done_later(start_system, tmp_path_factory):
    """A voice message sent while the queue is away gets its transcript when the queue is back."""
    directory = tmp_path_factory.mktemp("speech")
    own = await asyncio.to_thread(
        lambda: start_system(settings={"CHATSYSTEM_SPEECH_MODEL_PATH": str(speech.model(directory))})
    )
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    own.valkey.process.kill()
    await one.send(chat, voice(speech.spoken("안녕하세요", directory)))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(own.valkey.start)

    async def transcript() -> str:
        page = await other.call("get_page", chat_session_id=chat)
        return page["message"][0]["transcript"]

    async with asyncio.timeout(40):
        while not await transcript():  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await api.close()


@defect("C5")
async def test_the_longest_text_arrives_whole_and_a_longer_one_is_refused(pair):
    one, other, chat = pair
    longest = "字" * 21_845
    await one.send(chat, text(longest))
    with pytest.raises(Refused):
        await one.send(chat, text(longest + "x"))
    assert contents(await other.history(chat)) == [longest]


@defect("C5")
@pytest.mark.parametrize("length", [1, 128, 129, 200, 255, 256, 5000])
async def test_a_file_name_is_kept_whole_or_refused(pair, length: int):
    one, other, chat = pair
    name = "名" * length
    try:
        await one.send(chat, attachment(name, b"x"))
    except Refused:
        assert length > 80
        assert await other.history(chat) == []
        return
    (message,) = await other.history(chat)
    assert message["message"]["file_message"]["file_name"] == name


@defect("C8")
async def test_a_registration_that_was_answered_is_complete(api: Api):
    name = new_name("同时")
    replies = await asyncio.gather(
        *(api.exchange("username_register", nickname=name, password=PASSWORD) for _ in range(6))
    )
    assert [reply.fields["success"] for reply in replies].count(True) == 1
    person = await api.login(name)
    finder = await api.register()
    found = (await finder.call("search_friend", search_key=name))["user_info"]
    assert [item["user_id"] for item in found] == [person.user_id]


@defect("C8")
async def test_a_new_name_is_found_and_the_old_one_is_not(api: Api):
    one, other = await api.register(), await api.register()
    old, new = one.nickname, new_name("新")
    await one.call("set_nickname", nickname=new)
    for key, expected in ((new, [one.user_id]), (old, [])):
        found = (await other.call("search_friend", search_key=key))["user_info"]
        assert [item["user_id"] for item in found] == expected


@defect("C9")
async def test_a_live_picture_can_be_fetched_again_later(pair):
    one, other, chat = pair
    device = await other.listen()
    await asyncio.sleep(0.15)
    await one.send(chat, picture(PNG))
    notification = await device.notification(CHAT_MESSAGE)
    file_id = notification["new_message_info"]["message_info"]["message"]["image_message"]["file_id"]
    assert (await other.call("get_single_file", file_id=file_id))["file_data"]["file_content"] == PNG
    await device.close()


@defect("C10")
async def test_parallel_applications_are_one(api: Api):
    one, other = await api.register(), await api.register()
    replies = await asyncio.gather(*(one.exchange("add_friend_apply", respondent_id=other.user_id) for _ in range(8)))
    assert [reply.fields["success"] for reply in replies].count(True) == 1
    assert len((await other.call("get_pending_friend_events"))["event"]) == 1


@defect("C10")
async def test_crossing_applications_end_in_one_friendship_and_one_conversation(api: Api):
    for _ in range(5):
        one, other = await api.register(), await api.register()
        await asyncio.gather(
            one.exchange("add_friend_apply", respondent_id=other.user_id),
            other.exchange("add_friend_apply", respondent_id=one.user_id),
        )
        await asyncio.gather(
            *(one.exchange("add_friend_process", agree=True, apply_user_id=other.user_id) for _ in range(2)),
            *(other.exchange("add_friend_process", agree=True, apply_user_id=one.user_id) for _ in range(2)),
        )
        for person in (one, other):
            assert len((await person.call("get_friend_list"))["friend_list"]) == 1
            assert len(await person.conversations()) == 1
            assert (await person.call("get_pending_friend_events"))["event"] == []


@defect("C10")
async def test_nobody_befriends_oneself_nobody_or_a_friend(pair):
    one, other, _ = pair
    for respondent in (one.user_id, "nobody", "", other.user_id):
        with pytest.raises(Refused):
            await one.call("add_friend_apply", respondent_id=respondent)


@defect("C11")
async def test_an_application_is_known_by_its_event_id(api: Api):
    one, other = await api.register(), await api.register()
    device = await other.listen()
    await asyncio.sleep(0.15)
    event_id = (await one.call("add_friend_apply", respondent_id=other.user_id))["notify_event_id"]
    assert event_id
    (event,) = (await other.call("get_pending_friend_events"))["event"]
    assert event["event_id"] == event_id
    with pytest.raises(Refused):
        await other.call("add_friend_process", notify_event_id="other", agree=True, apply_user_id=one.user_id)
    await other.call("add_friend_process", notify_event_id=event_id, agree=True, apply_user_id=one.user_id)
    await device.close()


@defect("C12")
async def test_removed_members_keep_no_history(pair):
    one, other, _ = pair
    group = await make_group(one, other)
    await one.send(group, text("x"))
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=other.user_id)
    with pytest.raises(Refused):
        await other.history(group)
    device = await other.listen()
    await asyncio.sleep(0.15)
    await one.send(group, text("without you"))
    await asyncio.sleep(0.2)
    assert device.raw == []
    await device.close()


@defect("C13")
async def test_what_nobody_can_see_any_more_is_deleted(start_system):
    own: System = await asyncio.to_thread(lambda: start_system(settings={"CHATSYSTEM_STORE_CLEANUP_INTERVAL": "1s"}))
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    await one.send(chat, text("to be forgotten"))
    await one.send(chat, attachment("f", b"to be deleted"))
    for number in range(3):
        await one.call("set_avatar", avatar=PNG + b"%d" % number)
    await one.call("remove_friend", peer_id=other.user_id)

    def left() -> tuple[int, set[bytes]]:
        database = sqlite3.connect(f"file:{own.directory / 'chat.db'}?mode=ro", uri=True)
        ((messages,),) = database.execute("SELECT COUNT(*) FROM message").fetchall()
        database.close()
        files = {path.read_bytes() for path in (own.directory / "files").rglob("*") if path.is_file()}
        return messages, files

    await asyncio.to_thread(wait_for, lambda: left() == (0, {PNG + b"2"}), 15.0, "only the picture in use is left")
    await api.close()


@defect("C16")
async def test_any_character_is_kept_everywhere(pair):
    one, other, _ = pair
    words = "👨‍👩‍👧‍👦 𠮷野家 ẞ é العربية"
    group = await make_group(one, other, name=words)
    await one.call("set_description", description=words)
    await one.send(group, text(words))
    assert (await other.conversations())[group]["info"]["chat_session_name"] == words
    assert contents(await other.history(group)) == [words]
    (friend,) = (await other.call("get_friend_list"))["friend_list"]
    assert friend["description"] == words
