"""What brought the system before this one down, or made it stand still."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.testbed.client import Api, Refused, befriend, make_group
from tests.testbed.operations import BY_NAME
from tests.testbed.schema import CODEC, attachment, text
from tests.testbed.system import System

defect = pytest.mark.defect
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@defect("D1")
@pytest.mark.parametrize("opening", ["@[", "@[x]{agent-", "@[" * 1000])
async def test_a_text_that_opens_a_mention_and_never_closes_it_is_just_a_text(pair, system: System, opening: str):
    one, other, chat = pair
    pid = system.processes["all"].pid
    words = opening + "a" * (60_000 - len(opening))
    await one.send(chat, text(words))
    (message,) = await other.history(chat)
    assert message["message"]["string_message"]["content"] == words
    assert system.processes["all"].pid == pid
    assert system.processes["all"].running


@defect("D2")
@pytest.mark.parametrize("applicant", ["", "nobody", "x" * 10_000])
@pytest.mark.parametrize("agree", [True, False])
async def test_deciding_on_an_applicant_that_does_not_exist_is_refused(pair, applicant: str, agree: bool):
    with pytest.raises(Refused):
        await pair[0].call("add_friend_process", agree=agree, apply_user_id=applicant)


@defect("D4")
async def test_idle_connections_starve_nobody(api: Api, pair):
    one, _, _ = pair
    idle = [await asyncio.open_connection(api.host, api.http_port) for _ in range(300)]
    for _, writer in idle[:150]:
        writer.write(b"POST /service/user/get_user_info HTTP/1.1\r\nContent-Length: 100\r\n")
    await asyncio.wait_for(one.call("get_user_info"), 5)
    for _, writer in idle:
        writer.close()


@defect("D4")
async def test_clients_that_leave_in_the_middle_of_a_request_cost_nothing(api: Api, pair, system: System):
    one, other, chat = pair
    requests = [
        ("username_login", {"nickname": one.nickname, "password": "wrong_12"}),
        ("get_history", {"session_id": one.session_id, "chat_session_id": chat, "over_time": 2**31}),
        ("new_message", {"session_id": one.session_id, "chat_session_id": chat, "message": attachment("f", b"x")}),
        ("search_messages", {"session_id": one.session_id, "search_key": "x"}),
    ]

    async def leave(number: int) -> None:
        name, fields = requests[number % len(requests)]
        operation = BY_NAME[name]
        body = CODEC.encode(operation.request, {"request_id": f"leave-{number}", **fields})
        _, writer = await asyncio.open_connection(api.host, api.http_port)
        writer.write(
            b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (operation.path.encode(), len(body))
        )
        writer.write(body)
        await asyncio.sleep(0.001 * (number % 7))
        writer.transport.abort()

    for start in range(0, 200, 40):
        await asyncio.gather(*(leave(start + number) for number in range(40)))
    device = await other.connect()
    sending = [asyncio.create_task(device.send(chat, text(str(number)))) for number in range(50)]
    await asyncio.sleep(0.01)
    device.cut()
    await asyncio.gather(*sending, return_exceptions=True)
    await one.send(chat, text("last"))
    said = [(message["message"]["string_message"] or {}).get("content") for message in await other.history(chat)]
    assert said.count("last") == 1
    assert await api.register()
    assert "Traceback" not in system.processes["all"].output()


@defect("D5")
@pytest.mark.parametrize("count", [-1, 0, 2**31, 2**62, -(2**63)])
async def test_absurd_counts_are_harmless(pair, count: int):
    one, _, chat = pair
    await one.send(chat, text("x"))
    reply = await one.exchange("get_recent", chat_session_id=chat, msg_count=count)
    assert len(reply.fields["msg_list"]) <= 1
    for times in ((count, 2**62), (-(2**63), count)):
        reply = await one.exchange("get_history", chat_session_id=chat, start_time=times[0], over_time=times[1])
        assert isinstance(reply.fields["success"], bool)


@defect("D5")
async def test_names_and_texts_of_any_length_are_answered(pair):
    one, other, chat = pair
    long = "长" * 100_000
    for name, fields in (
        ("set_nickname", {"nickname": long}),
        ("set_description", {"description": long}),
        ("create_chat_session", {"chat_session_name": long, "member_id_list": [other.user_id]}),
        ("create_chat_session", {"chat_session_name": "x", "member_id_list": ["u"] * 50_000}),
        ("new_message", {"chat_session_id": chat, "message": text(long)}),
        ("new_message", {"chat_session_id": chat, "message": attachment(long, b"x")}),
        ("new_message", {"chat_session_id": long, "message": text("x")}),
        ("add_friend_apply", {"respondent_id": long}),
        ("set_avatar", {"avatar": PNG + bytes(3 * 2**20)}),
    ):
        reply = await one.exchange(name, **fields)
        assert (reply.fields["success"], bool(reply.fields["errmsg"])) == (False, True), name
        assert len(reply.raw) < 4096, name


@defect("D6")
async def test_repeated_authentication_starts_nothing_new(pair):
    one, _, _ = pair
    device = await one.listen()
    frame = CODEC.encode("ClientAuthenticationReq", {"request_id": "again", "session_id": one.session_id})
    for _ in range(500):
        await device.socket.send(frame)
    await asyncio.sleep(0.2)
    assert device.raw == []
    await one.call("get_user_info")
    await device.close()


@defect("D7")
async def test_the_number_of_threads_does_not_grow_with_messages(api: Api, pair, system: System):
    one, _, chat = pair

    def threads() -> int:
        return len(list(Path(f"/proc/{system.processes['all'].pid}/task").iterdir()))

    device = await one.connect()
    await device.send(chat, text("warm"))
    await asyncio.gather(*(device.send(chat, attachment(f"f{number}", b"x" * 100)) for number in range(60)))
    before = threads()
    await asyncio.gather(*(device.send(chat, text(f"@[x]{{agent-{number}}}")) for number in range(120)))
    await asyncio.gather(*(device.send(chat, attachment(f"g{number}", b"x" * 100)) for number in range(60)))
    assert threads() <= before + 4
    assert threads() < 100
    await device.close()


@defect("D8")
async def test_an_unknown_id_or_a_missing_file_fails_no_list(start_system):
    own = await asyncio.to_thread(start_system)
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    await one.call("set_avatar", avatar=PNG)
    await one.send(chat, attachment("lost", b"content"))
    await one.send(chat, text("kept"))
    kept = (await one.call("put_single_file", file_data={"file_name": "k", "file_content": b"k"}))["file_info"][
        "file_id"
    ]
    with pytest.raises(Refused):
        await one.call("create_chat_session", chat_session_name="x", member_id_list=[one.user_id, "nobody"])
    for path in (own.directory / "files").rglob("*"):
        if path.is_file() and path.read_bytes() != b"k":
            path.unlink()
    own.processes["all"].stop()
    own.restart("all")
    await asyncio.to_thread(own.wait_ready)
    await api.close()
    info = (await one.call("get_user_info"))["user_info"]
    assert (info["user_id"], info["avatar"]) == (one.user_id, b"")
    assert len((await other.call("get_friend_list"))["friend_list"]) == 1
    answer = await other.call("get_recent", chat_session_id=chat, msg_count=10, exclude_file_content=False)
    assert [message["message"]["message_type"] for message in answer["msg_list"]] == [2, 0]
    lost = answer["msg_list"][0]["message"]["file_message"]["file_id"]
    files = (await one.call("get_multi_file", file_id_list=[lost, kept, "unknown"]))["file_data"]
    assert set(files) == {kept}
    await api.close()


@defect("D9")
async def test_an_operation_may_take_longer_than_half_a_second(start_system):
    """Between processes, with the file service standing still for a while in the middle of it."""
    own = await asyncio.to_thread(start_system, split=True)
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    own.processes["file"].signal(signal.SIGSTOP)
    sending = asyncio.create_task(one.send(chat, attachment("big", bytes(20 * 2**20))))
    await asyncio.sleep(1.5)
    assert not sending.done()
    own.processes["file"].signal(signal.SIGCONT)
    await asyncio.wait_for(sending, 15)
    answer = await other.exchange("get_recent", chat_session_id=chat, msg_count=1, timeout=30.0)
    content = answer.fields["msg_list"][0]["message"]["file_message"]["file_contents"]
    assert content == bytes(20 * 2**20)
    await api.close()


@defect("D5")
async def test_memory_stays_bounded_while_bodies_are_refused(api: Api, pair, system: System):
    one, _, chat = pair

    def resident() -> int:
        pages = Path(f"/proc/{system.processes['all'].pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    await make_group(one)
    before = resident()
    for _ in range(4):
        with pytest.raises(Refused):
            await one.send(chat, text("x" * (8 * 2**20)))
    assert resident() < before + 300 * 2**20
