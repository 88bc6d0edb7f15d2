"""What the system before this one let people do to each other, and this one does not."""

from __future__ import annotations

import asyncio
import re
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.testbed.client import Api, Refused, befriend, make_group, new_name
from tests.testbed.schema import text
from tests.testbed.sms import SmsEndpoint, new_phone
from tests.testbed.system import ROOT, System

defect = pytest.mark.defect
WRONG_CODE = "000000"


async def code_for(api: Api, sms: SmsEndpoint, phone: str) -> tuple[str, str]:
    answer = await api.call("get_phone_verify_code", phone_number=phone)
    return answer["verify_code_id"], sms.code(phone)


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@defect("S1")
async def test_passwords_are_kept_as_argon2id_and_written_nowhere(api: Api, system: System):
    secret = f"Pw_{new_name()}"[:15]
    one = await api.register(password=secret)
    with pytest.raises(Refused):
        await api.login(one.nickname, secret + "x")
    await one.call("change_password", old_password=secret, new_password=secret + "Y")
    database = sqlite3.connect(f"file:{system.directory / 'chat.db'}?mode=ro", uri=True)
    ((kept,),) = database.execute("SELECT password_hash FROM user WHERE user_id = ?", (one.user_id,)).fetchall()
    database.close()
    assert kept.startswith("$argon2id$")
    for path in files_below(system.directory):
        assert secret.encode() not in path.read_bytes(), path.name


@defect("S1")
async def test_login_sessions_are_neither_stored_nor_logged(api: Api, system: System):
    one = await api.register()
    device = await one.connect()
    with pytest.raises(Refused):
        await one.call("add_friend_apply", respondent_id="nobody")
    await device.close()
    for path in files_below(system.directory):
        assert one.session_id.encode() not in path.read_bytes(), path.name


@defect("S2")
async def test_a_code_for_one_phone_opens_no_other_account(api: Api, sms: SmsEndpoint):
    victim, mine = new_phone(), new_phone()
    code_id, code = await code_for(api, sms, victim)
    await api.call("phone_register", phone_number=victim, verify_code_id=code_id, verify_code=code)
    code_id, code = await code_for(api, sms, mine)
    for name in ("phone_login", "phone_register"):
        with pytest.raises(Refused):
            await api.call(name, phone_number=victim, verify_code_id=code_id, verify_code=code)
    one = await api.register()
    with pytest.raises(Refused):
        await one.call("set_phone", phone_number=victim, phone_verify_code_id=code_id, phone_verify_code=code)


@defect("S3")
async def test_a_session_is_no_code_and_a_code_is_no_session(api: Api, sms: SmsEndpoint):
    one = await api.register()
    phone = new_phone()
    for code_id in (one.session_id, f"session:{one.session_id}", one.user_id, f"status:{one.user_id}"):
        with pytest.raises(Refused):
            await api.call("phone_register", phone_number=phone, verify_code_id=code_id, verify_code=one.user_id)
    code_id, code = await code_for(api, sms, phone)
    for session_id in (code_id, f"code:id:{code_id}", code, f"status:{one.user_id}", one.user_id):
        with pytest.raises(Refused):
            await api.call("get_user_info", session_id=session_id)


@defect("S4")
async def test_a_code_has_six_digits_and_few_attempts(api: Api, sms: SmsEndpoint):
    phone = new_phone()
    code_id, code = await code_for(api, sms, phone)
    assert re.fullmatch(r"[0-9]{6}", code)
    for _ in range(5):
        wrong = WRONG_CODE if code != WRONG_CODE else "111111"
        with pytest.raises(Refused):
            await api.call("phone_register", phone_number=phone, verify_code_id=code_id, verify_code=wrong)
    with pytest.raises(Refused):
        await api.call("phone_register", phone_number=phone, verify_code_id=code_id, verify_code=code)


@defect("S4")
async def test_a_phone_gets_no_second_code_at_once(api: Api, sms: SmsEndpoint):
    phone = new_phone()
    await code_for(api, sms, phone)
    with pytest.raises(Refused):
        await api.call("get_phone_verify_code", phone_number=phone)
    assert [to for to, _ in sms.sent].count(phone) == 1


@defect("S4")
async def test_a_code_works_once(api: Api, sms: SmsEndpoint):
    one, other = await api.register(), await api.register()
    phone = new_phone()
    code_id, code = await code_for(api, sms, phone)
    fields = {"phone_number": phone, "phone_verify_code_id": code_id, "phone_verify_code": code}
    await one.call("set_phone", **fields)
    for person in (one, other):
        with pytest.raises(Refused):
            await person.call("set_phone", **fields)


INJECTIONS = (
    "' OR '1'='1",
    "x' UNION SELECT * FROM message --",
    "'; DROP TABLE message; --",
    "\\' OR 1=1 #",
    '" OR ""="',
)


@defect("S5")
@pytest.mark.parametrize("injection", INJECTIONS)
async def test_ids_and_search_keys_are_never_part_of_a_query(api: Api, pair, injection: str):
    one, _, chat = pair
    await one.send(chat, text("secret"))
    stranger = await api.register()
    for name, fields in (
        ("get_recent", {"msg_count": 10}),
        ("get_history", {"start_time": 0, "over_time": 2**31}),
        ("search_history", {"search_key": "s"}),
        ("get_page", {}),
        ("get_chat_session_member", {}),
    ):
        with pytest.raises(Refused):
            await stranger.call(name, chat_session_id=injection, **fields)
    found = await stranger.call("search_messages", search_key=injection)
    assert found["message"] == []
    assert (await stranger.call("search_friend", search_key=injection))["user_info"] == []
    assert len(await one.history(chat)) == 1


@defect("S6")
@pytest.mark.parametrize(
    "path", ["../chat.db", "/etc/passwd", "..%2fchat.db", "....//chat.db", "a/../../chat.db", "\0", "."]
)
async def test_a_file_id_reaches_nothing_but_files(pair, path: str):
    one, _, chat = pair
    with pytest.raises(Refused):
        await one.call("get_single_file", file_id=path)
    assert (await one.call("get_multi_file", file_id_list=[path]))["file_data"] == {}
    message = {"message_type": 2, "file_message": {"file_id": path, "file_name": "x"}}
    with pytest.raises(Refused):
        await one.send(chat, message)


@defect("S6")
async def test_a_file_is_for_its_owner_and_those_it_was_sent_to(api: Api, pair):
    one, other, chat = pair
    stranger = await api.register()
    answer = await one.call("put_single_file", file_data={"file_name": "x", "file_content": b"mine"})
    file_id = answer["file_info"]["file_id"]
    for person in (other, stranger):
        with pytest.raises(Refused):
            await person.call("get_single_file", file_id=file_id)
    await one.send(chat, {"message_type": 2, "file_message": {"file_id": file_id, "file_name": "x"}})
    assert (await other.call("get_single_file", file_id=file_id))["file_data"]["file_content"] == b"mine"
    with pytest.raises(Refused):
        await stranger.call("get_single_file", file_id=file_id)
    own_chat = await befriend(stranger, await api.register())
    with pytest.raises(Refused):
        await stranger.send(own_chat, {"message_type": 2, "file_message": {"file_id": file_id, "file_name": "x"}})


@defect("S7")
async def test_only_members_read_or_write_a_conversation(api: Api, pair):
    one, other, _ = pair
    group = await make_group(one, other)
    await one.send(group, text("secret"))
    stranger = await api.register()
    await befriend(stranger, one)
    for name, fields in (
        ("new_message", {"message": text("intrusion")}),
        ("get_history", {"start_time": 0, "over_time": 2**31}),
        ("get_recent", {"msg_count": 10}),
        ("search_history", {"search_key": "s"}),
        ("search_messages", {"search_key": "s"}),
        ("get_chat_session_member", {}),
        ("chat_session_add_member", {"member_id_list": [one.user_id]}),
        ("chat_session_remove_member", {"member_id": other.user_id}),
        ("rename_chat_session", {"chat_session_name": "mine"}),
        ("get_page", {}),
        ("mark_read", {"seq": 1}),
    ):
        with pytest.raises(Refused):
            await stranger.call(name, chat_session_id=group, **fields)
    assert len(await other.history(group)) == 1


@defect("S8")
async def test_login_session_ids_are_long_and_random(api: Api):
    one = await api.register()
    ids = [(await api.login(one.nickname)).session_id for _ in range(6)]
    assert all(len(session_id) >= 40 for session_id in ids)
    for place in range(40):
        assert len({session_id[place] for session_id in ids}) > 1 or place == 0 or len(ids) < 2
    assert len({session_id[:12] for session_id in ids}) == len(ids)
    assert len({session_id[-12:] for session_id in ids}) == len(ids)


@defect("S9")
async def test_a_login_session_can_be_ended_from_anywhere(api: Api):
    lost = await api.register()
    here = await api.login(lost.nickname)
    await here.call("logout", everywhere=True)
    with pytest.raises(Refused):
        await lost.call("get_user_info")


@defect("S10")
async def test_nobody_sees_the_phone_number_of_another(api: Api, sms: SmsEndpoint, pair):
    one, other, chat = pair
    phone = new_phone()
    code_id, code = await code_for(api, sms, phone)
    await one.call("set_phone", phone_number=phone, phone_verify_code_id=code_id, phone_verify_code=code)
    group = await make_group(one, other)
    stranger = await api.register()
    device = await other.listen()
    await asyncio.sleep(0.15)
    await one.send(chat, text("x"))
    await device.notification(3)
    replies = [
        await stranger.exchange("search_friend", search_key=phone),
        await stranger.exchange("search_friend", search_key=one.nickname),
        await other.exchange("get_friend_list"),
        await other.exchange("get_chat_session_member", chat_session_id=group),
        await other.exchange("get_history", chat_session_id=chat, start_time=0, over_time=2**31),
        await other.exchange("get_chat_session_list"),
    ]
    for reply in replies:
        assert reply.fields["success"]
        assert phone.encode() not in reply.raw
    assert all(phone.encode() not in payload for payload in device.raw)
    assert (await one.call("get_user_info"))["user_info"]["phone"] == phone
    await device.close()


@defect("S11")
def test_the_source_holds_no_credentials():
    literal = re.compile(
        r"""(?i)(password|passwd|pswd|secret|api_?key|access_?key|token)["']?\s*[:=]\s*["'](?=[^"']*\d)[A-Za-z0-9+_-]{12,}["']"""
    )
    for part in ("services", "controller", "sql", "examples", "crds"):
        for path in (ROOT / part).rglob("*"):
            if path.suffix in {".py", ".sql", ".yaml", ".yml", ".js", ".html", ".json", ".conf"}:
                assert not literal.search(path.read_text()), path


@defect("S11")
def test_the_cache_answers_nobody_without_the_password(system: System):
    with socket.create_connection(("127.0.0.1", system.valkey.port), timeout=2) as connection:
        connection.sendall(b"KEYS *\r\n")
        assert connection.recv(200).startswith(b"-NOAUTH")


@defect("S12")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/agent/agents",
        "/agent/tasks?user_id=test_user",
        "/agent/approvals",
        "/agent/webhook/message",
        "/agent/events/session/x",
        "/service/agent/agents",
        "/service/agent/status",
        "/service/agent/agents/add-to-session",
    ],
)
async def test_there_is_no_agent_interface_that_trusts_a_header(api: Api, method: str, path: str):
    one = await api.register()
    answer = await api.http.request(method, path, headers={"X-User-Id": one.user_id, "X-Session-Id": one.session_id})
    assert answer.status == 400


@defect("S12")
async def test_identity_comes_from_the_body_only(api: Api):
    one = await api.register()
    headers = {"X-User-Id": one.user_id, "X-Session-Id": one.session_id, "Cookie": f"session_id={one.session_id}"}
    path = f"/service/user/get_user_info?user_id={one.user_id}&session_id={one.session_id}"
    answer = await api.http.request("POST", path, b"", headers)
    assert one.nickname.encode() not in answer.body


@defect("S13")
async def test_only_the_owner_removes_others(api: Api, pair):
    one, other, chat = pair
    third = await api.register()
    await befriend(one, third)
    group = await make_group(one, other, third)
    for target in (one, third):
        with pytest.raises(Refused):
            await other.call("chat_session_remove_member", chat_session_id=group, member_id=target.user_id)
    with pytest.raises(Refused):
        await one.call("chat_session_remove_member", chat_session_id=chat, member_id=other.user_id)
    await other.call("chat_session_remove_member", chat_session_id=group, member_id=other.user_id)
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=third.user_id)
    members = (await one.call("get_chat_session_member", chat_session_id=group))["member_info_list"]
    assert [member["user_id"] for member in members] == [one.user_id]


@defect("S13")
async def test_nobody_is_put_into_a_group_by_a_stranger(api: Api, pair):
    one, other, _ = pair
    stranger = await api.register()
    with pytest.raises(Refused):
        await one.call("create_chat_session", chat_session_name="x", member_id_list=[one.user_id, stranger.user_id])
    group = await make_group(one, other)
    with pytest.raises(Refused):
        await other.call("chat_session_add_member", chat_session_id=group, member_id_list=[stranger.user_id])
    assert await stranger.conversations() == {}
