"""The byte-level traps of the existing clients' hand-written decoders, judged by their own rules (tests/testbed/judges.py)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.testbed import judges, schema
from tests.testbed.client import Api, Person, befriend, make_group, new_request_id
from tests.testbed.operations import BY_NAME, ORIGINAL
from tests.testbed.schema import CODEC, attachment, picture, text, voice
from tests.testbed.wire import fields

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


async def full_house(api: Api) -> tuple[Person, Person, str, str]:
    """Two friends with profiles, a group, messages of all kinds and a pending application."""
    one, other, third = await api.register(), await api.register(), await api.register()
    for person in (one, other, third):
        await person.call("set_avatar", avatar=PNG)
        await person.call("set_description", description="\n\x05hello (looks nested)")
    chat = await befriend(one, other)
    await befriend(one, third)
    group = await make_group(one, other, third)
    for conversation in (chat, group):
        for content in (text("你好"), picture(PNG), attachment("f", b"x"), voice(bytes(320))):
            await one.send(conversation, content)
    stranger = await api.register()
    await stranger.call("set_description", description="\n\x05hello (looks nested)")
    await stranger.call("add_friend_apply", respondent_id=one.user_id)
    return one, other, chat, group


async def answers(one: Person, other: Person, chat: str, group: str) -> dict[str, bytes]:
    """The raw answer of every operation that has content in field 4, by name."""
    stored = await one.call("put_single_file", file_data={"file_name": "n", "file_content": b"c"})
    file_id = stored["file_info"]["file_id"]
    questions: dict[str, dict[str, object]] = {
        "get_user_info": {},
        "get_friend_list": {},
        "get_pending_friend_events": {},
        "search_friend": {"search_key": other.nickname[:1]},
        "get_chat_session_list": {},
        "get_chat_session_member": {"chat_session_id": group},
        "get_history": {"chat_session_id": chat, "start_time": 0, "over_time": int(time.time()) + 9},
        "get_recent": {"chat_session_id": group, "msg_count": 50},
        "search_history": {"chat_session_id": chat, "search_key": "你"},
        "get_single_file": {"file_id": file_id},
        "get_multi_file": {"file_id_list": [file_id]},
        "put_single_file": {"file_data": {"file_name": "printable name of a file", "file_content": b"c"}},
        "put_multi_file": {"file_data": [{"file_name": "x", "file_content": b"c"}]},
        "set_nickname": {"nickname": one.nickname},
        "new_message": {"chat_session_id": chat, "message": text("x")},
    }
    raw = {}
    for name, question in questions.items():
        reply = await one.exchange(name, **question)
        assert reply.fields["success"], (name, reply.fields["errmsg"])
        raw[name] = reply.raw
    return raw


def people(message: str, data: bytes) -> Iterator[bytes]:
    """The raw bytes of every UserInfo inside a message."""
    if message == "UserInfo":
        yield data
        return
    lines = CODEC._by_number[message]
    for field in fields(data):
        line = lines[field.number]
        if isinstance(field.value, bytes) and line.kind in CODEC._by_number and line.map_value is None:
            yield from people(line.kind, field.value)


def wire_types(message: str, data: bytes) -> set[int]:
    lines = CODEC._by_number[message]
    seen = set()
    for field in fields(data):
        seen.add(field.wire_type)
        line = lines[field.number]
        if isinstance(field.value, bytes) and line.kind in CODEC._by_number and line.map_value is None:
            seen |= wire_types(line.kind, field.value)
    return seen


def varints(message: str, data: bytes) -> Iterator[tuple[str, int]]:
    lines = CODEC._by_number[message]
    for field in fields(data):
        line = lines[field.number]
        if isinstance(field.value, int):
            yield line.name, field.value
        elif line.kind in CODEC._by_number and line.map_value is None:
            yield from varints(line.kind, field.value)


@pytest.fixture
async def house(api: Api) -> tuple[Person, Person, str, str]:
    return await full_house(api)


async def test_trap_1_a_friend_application_carries_its_type_although_it_is_zero(api: Api):
    one, other = await api.register(), await api.register()
    device = await other.listen()
    await device_ready(other, device)
    await one.call("add_friend_apply", respondent_id=other.user_id)
    await device.notification(schema.FRIEND_ADD_APPLY)
    assert judges.browser_notification(device.raw[-1]) == 0
    await device.close()


async def test_trap_1_every_notification_names_its_type_once(house):
    one, other, chat, _ = house
    device = await other.listen()
    await device_ready(other, device)
    await one.send(chat, text("x"))
    await one.call("remove_friend", peer_id=other.user_id)
    await device.notification(schema.FRIEND_REMOVE)
    for payload in device.raw:
        assert [field.number for field in judges.browser_fields(payload)].count(2) == 1
    await device.close()


async def device_ready(person: Person, device) -> None:
    """Returns when the server knows the device: a plain one gets no sign, so a message in between shows it."""
    await asyncio.sleep(0.15)
    assert device.closed is None


async def test_trap_2_a_session_id_is_printable_for_at_least_twenty_characters(api: Api, pair):
    reply = await api.exchange("username_login", nickname=pair[0].nickname, password="secret_12")
    (session_id,) = judges.nested(reply.raw, 4)
    assert len(session_id) >= judges.PROBE
    assert all(0x20 < byte < 0x7F for byte in session_id)


async def test_trap_2_nested_messages_in_field_4_never_read_as_a_session_id(house):
    for name, raw in (await answers(*house)).items():
        for content in judges.nested(raw, 4):
            assert not judges.reads_as_session_id(content), name
            assert content[0] < 0x20, name
            numbers = [field.number for field in fields(content)]
            assert numbers == sorted(numbers), name


async def test_trap_3_no_person_reads_as_a_friend_event(house):
    for name, raw in (await answers(*house)).items():
        for person in people(BY_NAME[name].response, raw):
            assert not judges.reads_as_friend_event(person), name
            assert judges.desktop_has(person, 2), name


async def test_trap_3_friend_events_read_as_such(house):
    reply = await house[0].exchange("get_pending_friend_events")
    for event in judges.nested(reply.raw, 4):
        assert not judges.desktop_has(event, 2)
        assert judges.desktop_has(event, 3)


async def test_trap_4_numbers_fit_the_browsers_32_bits(house):
    for name, raw in (await answers(*house)).items():
        for field, value in varints(BY_NAME[name].response, raw):
            assert 0 <= value < 2**31, (name, field)


async def test_trap_4_timestamps_are_seconds(house):
    one, _, chat, _ = house
    for message in await one.history(chat):
        assert abs(message["timestamp"] - time.time()) < 120


async def test_trap_5_only_varints_and_delimited_fields_are_sent(house):
    for name, raw in (await answers(*house)).items():
        assert wire_types(BY_NAME[name].response, raw) <= {0, 2}, name
        judges.browser_fields(raw)


async def test_trap_7_nothing_is_sent_after_authentication(pair):
    device = await pair[0].listen()
    await asyncio.sleep(0.4)
    assert device.raw == []
    assert device.closed is None
    await device.close()


async def test_trap_8_the_sending_session_gets_no_echo_and_other_devices_do(api: Api, pair):
    one, other, chat = pair
    again = await api.login(one.nickname)
    mine, mine_too, elsewhere, theirs = (
        await one.listen(),
        await one.listen("/ws"),
        await again.listen(),
        await other.listen(),
    )
    await device_ready(one, mine)
    await one.send(chat, text("once"))
    for device in (elsewhere, theirs):
        notification = await device.notification(schema.CHAT_MESSAGE)
        info = notification["new_message_info"]["message_info"]
        assert info["message"]["string_message"]["content"] == "once"
    assert mine.raw == []
    assert mine_too.raw == []
    for device in (mine, mine_too, elsewhere, theirs):
        await device.close()


async def test_trap_9_every_answer_says_whether_it_succeeded(api: Api, house):
    one = house[0]
    for operation in ORIGINAL:
        session = {"session_id": one.session_id} if operation.authenticated else {}
        reply = await api.exchange(operation.name, **session)
        assert judges.desktop_has(reply.raw, 2) or judges.desktop_has(reply.raw, 3), operation.name
        assert judges.browser_success(reply.raw) == reply.fields["success"], operation.name


async def test_trap_10_explicit_zeros_of_the_browser_client_are_understood(pair):
    one, _, chat = pair
    await one.send(chat, {"message_type": 0, "string_message": {"content": "zero"}})
    answer = await one.call(
        "get_history", chat_session_id=chat, start_time=0, over_time=2**31 - 1, exclude_file_content=False
    )
    assert len(answer["msg_list"]) == 1


async def test_trap_11_a_conversation_without_messages_has_no_prev_message(pair):
    one, other, chat = pair
    reply = await one.exchange("get_chat_session_list")
    (session,) = judges.nested(reply.raw, 4)
    assert not judges.desktop_has(session, 4)
    assert judges.desktop_has(session, 1)
    await other.send(chat, text("x"), new_request_id())
    reply = await one.exchange("get_chat_session_list")
    (session,) = judges.nested(reply.raw, 4)
    assert judges.desktop_has(session, 4)


async def test_no_internal_field_leaves_the_gateway(house):
    """The strict decoder refuses undeclared fields; this looks for the known internal ones by number as well."""
    one, other, chat, group = house
    replies = [
        await one.exchange("create_chat_session", chat_session_name="x", member_id_list=[other.user_id]),
        await one.exchange("chat_session_remove_member", chat_session_id=group, member_id=other.user_id),
        await one.exchange("chat_session_add_member", chat_session_id=group, member_id_list=[other.user_id]),
        await one.exchange("set_nickname", nickname=one.nickname),
        await one.exchange("mark_read", chat_session_id=chat, seq=1),
    ]
    for reply in replies:
        assert reply.fields["success"], reply.fields["errmsg"]
        assert all(field.number < 100 for field in fields(reply.raw))
    assert not judges.desktop_has(replies[0].raw, 4)
