"""What a send means, seen from outside: durable and ordered before it is acknowledged, exactly once by its request id."""

from __future__ import annotations

import asyncio

import pytest

from tests.testbed.client import Api, Refused, befriend, make_group, new_request_id
from tests.testbed.http import Disconnected
from tests.testbed.schema import CHAT_MESSAGE, attachment, picture, text
from tests.testbed.websocket import Closed


def contents(messages: list[dict]) -> list[str]:
    return [message["message"]["string_message"]["content"] for message in messages]


async def test_an_acknowledged_message_is_in_the_history_at_once(pair):
    one, other, chat = pair
    device = await one.connect()
    for number in range(10):
        ack = await device.send(chat, text(str(number)))
        assert (ack["success"], ack["seq"]) == (True, number + 1)
        history = await other.history(chat)
        assert history[-1]["message_id"] == ack["message_id"]
        assert history[-1]["timestamp"] == ack["timestamp"]
    await device.close()


@pytest.mark.defect("C6")
async def test_concurrent_sends_get_numbers_without_gaps_and_all_members_see_one_order(api: Api):
    people = [await api.register() for _ in range(4)]
    for person in people[1:]:
        await befriend(people[0], person)
    group = await make_group(*people)
    devices = [await person.connect() for person in people]
    sends = [
        device.send(group, text(f"{place}-{number}")) for number in range(25) for place, device in enumerate(devices)
    ]
    acks = await asyncio.gather(*sends)
    assert sorted(ack["seq"] for ack in acks) == list(range(1, 101))
    histories = [contents(await person.history(group)) for person in people]
    assert all(history == histories[0] for history in histories)
    for place in range(4):
        own = [line for line in histories[0] if line.startswith(f"{place}-")]
        assert own == [f"{place}-{number}" for number in range(25)]
    for device in devices:
        events = [frame["event"] for frame in device.pending() if frame["event"]]
        seqs = [event["seq"] for event in events if event["seq"]]
        assert seqs == sorted(set(seqs))
        await device.close()


async def test_the_same_request_id_is_one_message_with_the_same_answer(pair):
    one, other, chat = pair
    device = await one.connect()
    request_id = new_request_id()
    first = await device.send(chat, text("once"), request_id)
    for _ in range(3):
        assert await device.send(chat, text("once"), request_id) == first
    await one.send(chat, text("once"), request_id)
    assert contents(await other.history(chat)) == ["once"]
    await device.close()


@pytest.mark.defect("C7")
async def test_the_same_request_id_in_parallel_is_one_message(api: Api, pair):
    one, other, chat = pair
    request_id = new_request_id()
    device, second = await one.connect(), await one.connect()
    over_http = [one.send(chat, text("once"), request_id) for _ in range(10)]
    acks = await asyncio.gather(*(which.send(chat, text("once"), request_id) for which in (device, second)), *over_http)
    assert acks[0] == acks[1]
    assert contents(await other.history(chat)) == ["once"]
    await device.close()
    await second.close()


async def test_another_body_under_the_same_request_id_is_refused(pair):
    one, other, chat = pair
    request_id = new_request_id()
    await one.send(chat, text("first"), request_id)
    for body in (text("second"), picture(b"\x89PNG\r\n\x1a\nxx")):
        with pytest.raises(Refused):
            await one.send(chat, body, request_id)
    group = await make_group(one, other)
    with pytest.raises(Refused):
        await one.send(group, text("first"), request_id)
    assert contents(await other.history(chat)) == ["first"]


async def test_two_people_may_use_the_same_request_id(pair):
    one, other, chat = pair
    request_id = new_request_id()
    await one.send(chat, text("mine"), request_id)
    await other.send(chat, text("yours"), request_id)
    assert contents(await one.history(chat)) == ["mine", "yours"]


@pytest.mark.defect("C7")
async def test_a_repeated_attachment_makes_one_message_and_one_file(pair):
    one, other, chat = pair
    request_id = new_request_id()
    device = await one.connect()
    first = await device.send(chat, attachment("a", b"content"), request_id)
    again = await device.send(chat, attachment("a", b"content"), request_id)
    assert first == again
    assert first["file_id"]
    (message,) = await other.history(chat)
    assert message["message"]["file_message"]["file_id"] == first["file_id"]
    await device.close()


async def test_a_repeated_send_is_not_shown_twice_to_plain_clients(pair):
    one, other, chat = pair
    device = await other.listen()
    await asyncio.sleep(0.15)
    request_id = new_request_id()
    for _ in range(3):
        await one.send(chat, text("once"), request_id)
    await device.notification(CHAT_MESSAGE)
    await asyncio.sleep(0.2)
    assert device.pending() == []
    await device.close()


@pytest.mark.defect("C7")
async def test_deduplication_survives_a_kill_of_the_process(start_system):
    own = start_system()
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    device = await one.connect()
    request_id = new_request_id()
    before = await device.send(chat, text("once"), request_id)
    own.processes["all"].kill()
    with pytest.raises((Closed, Disconnected)):
        await device.ping()
    own.restart("all")
    await asyncio.to_thread(own.wait_ready)
    device = await one.connect()
    assert await device.send(chat, text("once"), request_id) == before
    with pytest.raises(Refused):
        await one.send(chat, text("another"), request_id)
    assert contents(await other.history(chat)) == ["once"]
    await device.close()
    await api.close()


async def test_only_members_send(api: Api, pair):
    one, _, chat = pair
    stranger = await api.register()
    for conversation in (chat, "unknown", "' OR 1=1 --"):
        with pytest.raises(Refused):
            await stranger.send(conversation, text("x"))
    device = await stranger.connect()
    ack = await device.send(chat, text("x"))
    assert (ack["success"], bool(ack["errmsg"])) == (False, True)
    assert await one.history(chat) == []
    await device.close()


async def test_a_removed_member_sends_no_more(pair):
    one, other, _ = pair
    group = await make_group(one, other)
    device = await other.connect()
    assert (await device.send(group, text("still in")))["success"]
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=other.user_id)
    assert not (await device.send(group, text("out")))["success"]
    assert contents(await one.history(group)) == ["still in"]
    await device.close()


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        {"message_type": 0},
        {"message_type": 1, "string_message": {"content": "x"}},
        {"message_type": 0, "image_message": {"image_content": b"x"}},
        {"message_type": 9, "string_message": {"content": "x"}},
        text(""),
        text(" \n "),
    ],
)
async def test_a_message_without_sensible_content_is_refused(pair, message):
    one, other, chat = pair
    with pytest.raises(Refused):
        await one.send(chat, message)
    assert await other.history(chat) == []


async def test_the_sender_named_by_a_client_does_not_count(pair):
    one, other, chat = pair
    device = await one.connect()
    answer = await device.ask("send", "ack", user_id=other.user_id, chat_session_id=chat, message=text("x"))
    assert answer["success"]
    (message,) = await other.history(chat)
    assert message["sender"]["user_id"] == one.user_id
    await device.close()


async def test_every_device_of_both_people_gets_the_message(api: Api, pair):
    one, other, chat = pair
    devices = [await (await api.login(person.nickname)).connect() for person in (one, one, other, other)]
    request_id = new_request_id()
    await devices[0].send(chat, text("to all"), request_id)
    for device, owner in zip(devices[1:], (one, other, other), strict=True):
        event = await device.message()
        assert event["seq"] == 1
        assert event["request_id"] == (request_id if owner is one else "")
    await asyncio.sleep(0.1)
    assert [frame for frame in devices[0].pending() if frame["event"]] == []
    for device in devices:
        await device.close()


async def test_a_burst_over_one_socket_is_answered_completely_and_in_order(pair):
    one, other, chat = pair
    device = await one.connect()
    acks = await asyncio.gather(*(device.send(chat, text(str(number))) for number in range(300)))
    assert [ack["seq"] for ack in acks] == list(range(1, 301))
    assert contents(await other.history(chat)) == [str(number) for number in range(300)]
    await device.close()
