"""Limits: rates, sizes, counts. Whoever runs into one is told so in words, and nobody else notices."""

from __future__ import annotations

import asyncio

import pytest

from tests.testbed.client import Api, Refused, befriend, make_group, new_request_id
from tests.testbed.schema import attachment, text


@pytest.fixture
async def limited(start_system):
    """A system with small limits."""
    own = start_system(
        settings={
            "CHATSYSTEM_GATEWAY_SEND_RATE": "5",
            "CHATSYSTEM_GATEWAY_SEND_BURST": "10",
            "CHATSYSTEM_GATEWAY_REQUEST_RATE": "50",
            "CHATSYSTEM_GATEWAY_REQUEST_BURST": "60",
            "CHATSYSTEM_USER_LOGIN_FAILURES": "3",
            "CHATSYSTEM_FRIEND_MAX_MEMBERS": "3",
            "CHATSYSTEM_FILE_MAX_FILE_SIZE": "64Ki",
            "CHATSYSTEM_TRANSMIT_MAX_TEXT_SIZE": "1000",
            "CHATSYSTEM_GATEWAY_MAX_CONNECTIONS": "8",
        }
    )
    api = Api(own.host, own.http_port, own.websocket_port)
    yield api
    await api.close()


async def test_whoever_sends_too_fast_is_told_when_to_go_on_and_loses_nothing(limited: Api):
    one, other = await limited.register(), await limited.register()
    chat = await befriend(one, other)
    device = await one.connect()
    request_ids = [new_request_id() for _ in range(20)]
    acks = await asyncio.gather(*(device.send(chat, text(str(number)), request_ids[number]) for number in range(20)))
    refused = [number for number, ack in enumerate(acks) if not ack["success"]]
    assert 5 <= len(refused) <= 10
    assert all(acks[number]["retry_after_ms"] > 0 and acks[number]["errmsg"] for number in refused)
    assert (await other.exchange("new_message", chat_session_id=chat, message=text("not limited"))).fields["success"]
    for number in refused:
        while not (ack := await device.send(chat, text(str(number)), request_ids[number]))["success"]:  # noqa: ASYNC110
            await asyncio.sleep(ack["retry_after_ms"] / 1000)
    said = [message["message"]["string_message"]["content"] for message in await other.history(chat)]
    assert sorted(said) == sorted([*map(str, range(20)), "not limited"])
    await device.close()


async def test_too_many_requests_of_one_session_are_refused_in_words(limited: Api):
    one, other = await limited.register(), await limited.register()
    replies = await asyncio.gather(*(one.exchange("get_friend_list") for _ in range(120)))
    texts = {reply.fields["errmsg"] for reply in replies if not reply.fields["success"]}
    assert len(texts) == 1
    await other.call("get_user_info")


async def test_guessing_a_password_is_stopped_even_with_the_right_one(limited: Api):
    one = await limited.register()
    texts = []
    for _ in range(5):
        with pytest.raises(Refused) as refused:
            await limited.call("username_login", nickname=one.nickname, password="wrong_12")
        texts.append(refused.value.text)
    assert texts[0] != texts[-1]
    with pytest.raises(Refused):
        await limited.login(one.nickname)
    await one.call("get_user_info")


async def test_sizes_and_counts_have_limits(limited: Api):
    one, *others = [await limited.register() for _ in range(4)]
    chats = [await befriend(one, other) for other in others]
    with pytest.raises(Refused):
        await one.send(chats[0], text("字" * 334))
    await one.send(chats[0], text("字" * 333))
    with pytest.raises(Refused):
        await one.send(chats[0], attachment("f", bytes(64 * 1024 + 1)))
    await one.send(chats[0], attachment("f", bytes(64 * 1024)))
    with pytest.raises(Refused):
        await one.call("put_single_file", file_data={"file_name": "f", "file_content": bytes(64 * 1024 + 1)})
    with pytest.raises(Refused):
        await make_group(one, *others)
    await make_group(one, *others[:2])


async def test_connections_have_a_limit_and_places_become_free(limited: Api):
    one = await limited.register()
    devices = [await one.connect() for _ in range(8)]
    with pytest.raises((ConnectionError, TimeoutError)):
        surplus = await one.listen()
        await surplus.closing(1.0)
        raise surplus.closed or ConnectionError
    await devices[0].close()
    await asyncio.sleep(0.2)
    device = await one.connect()
    for open_device in (*devices[1:], device):
        await open_device.close()
