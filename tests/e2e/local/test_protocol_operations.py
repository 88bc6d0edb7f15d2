"""What each of the original operations does, field by field."""

from __future__ import annotations

import time

import pytest

from tests.testbed.client import PASSWORD, Api, Person, Refused, befriend, make_group, new_name
from tests.testbed.operations import ORIGINAL
from tests.testbed.schema import attachment, picture, text, voice
from tests.testbed.sms import SmsEndpoint, new_phone

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
AVATAR_FIELDS = {"user_id", "nickname", "description", "phone", "avatar"}


async def get_code(api: Api, sms: SmsEndpoint, phone: str) -> tuple[str, str]:
    answer = await api.call("get_phone_verify_code", phone_number=phone)
    return answer["verify_code_id"], sms.code(phone)


async def test_register_and_log_in_by_name(api: Api):
    name = new_name()
    await api.call("username_register", nickname=name, password=PASSWORD)
    answer = await api.call("username_login", nickname=name, password=PASSWORD)
    assert len(answer["login_session_id"]) >= 20


async def test_registering_a_taken_name_is_refused(api: Api, pair):
    with pytest.raises(Refused):
        await api.call("username_register", nickname=pair[0].nickname, password=PASSWORD)


@pytest.mark.parametrize(
    ("nickname", "password"),
    [
        ("", PASSWORD),
        ("  ", PASSWORD),
        ("x" * 22, PASSWORD),
        ("八个汉字太长了呀", PASSWORD),
        ("ok", ""),
        ("ok", "short"),
    ],
)
async def test_a_name_or_password_out_of_bounds_is_refused(api: Api, nickname: str, password: str):
    with pytest.raises(Refused):
        await api.call("username_register", nickname=nickname, password=password)


async def test_unknown_names_and_wrong_passwords_get_the_same_words(api: Api, pair):
    texts = set()
    for name in (pair[0].nickname, new_name()):
        with pytest.raises(Refused) as refused:
            await api.call("username_login", nickname=name, password="wrong_12")
        texts.add(refused.value.text)
    assert len(texts) == 1


async def test_register_and_log_in_by_phone(api: Api, sms: SmsEndpoint):
    phone = new_phone()
    code_id, code = await get_code(api, sms, phone)
    assert len(code) == 6
    await api.call("phone_register", phone_number=phone, verify_code_id=code_id, verify_code=code)
    other_phone = new_phone()
    with pytest.raises(Refused):
        await api.call("phone_login", phone_number=phone, verify_code_id=code_id, verify_code=code)
    code_id, code = await get_code(api, sms, other_phone)
    with pytest.raises(Refused):
        await api.call("phone_login", phone_number=phone, verify_code_id=code_id, verify_code=code)


async def test_an_account_of_a_phone_has_its_id_as_name(api: Api, start_system, sms: SmsEndpoint):
    settings = {"CHATSYSTEM_USER_SMS_URL": sms.url, "CHATSYSTEM_USER_CODE_INTERVAL": "0s"}
    own = start_system(settings=settings)
    api = Api(own.host, own.http_port, own.websocket_port)
    phone = new_phone()
    code_id, code = await get_code(api, sms, phone)
    await api.call("phone_register", phone_number=phone, verify_code_id=code_id, verify_code=code)
    code_id, code = await get_code(api, sms, phone)
    answer = await api.call("phone_login", phone_number=phone, verify_code_id=code_id, verify_code=code)
    info = (await api.call("get_user_info", session_id=answer["login_session_id"]))["user_info"]
    assert info["phone"] == phone
    assert info["nickname"]
    await api.close()


async def test_get_user_info_is_about_oneself_whatever_user_id_says(pair):
    one, other, _ = pair
    info = (await one.call("get_user_info", user_id=other.user_id))["user_info"]
    assert (info["user_id"], info["nickname"]) == (one.user_id, one.nickname)
    assert set(info) == AVATAR_FIELDS


async def test_profile_edits_are_seen_by_oneself_and_by_friends(pair, sms: SmsEndpoint):
    one, other, _ = pair
    name, phone = new_name("新"), new_phone()
    await one.call("set_nickname", nickname=f" {name} ")
    await one.call("set_description", description="你好 👋")
    await one.call("set_avatar", avatar=PNG)
    code_id, code = await get_code(one.api, sms, phone)
    await one.call("set_phone", phone_number=phone, phone_verify_code_id=code_id, phone_verify_code=code)
    expected = {
        "user_id": one.user_id,
        "nickname": name,
        "description": "你好 👋",
        "phone": phone,
        "avatar": PNG,
    }
    assert (await one.call("get_user_info"))["user_info"] == expected
    friends = (await other.call("get_friend_list"))["friend_list"]
    assert friends == [expected | {"phone": ""}]


async def test_an_application_and_its_acceptance(api: Api):
    one, other = await api.register(), await api.register()
    applied = await one.call("add_friend_apply", respondent_id=other.user_id)
    events = (await other.call("get_pending_friend_events"))["event"]
    assert [(event["event_id"], event["sender"]["user_id"]) for event in events] == [
        (applied["notify_event_id"], one.user_id)
    ]
    answer = await other.call(
        "add_friend_process", notify_event_id=events[0]["event_id"], agree=True, apply_user_id=one.user_id
    )
    for person, peer in ((one, other), (other, one)):
        friends = (await person.call("get_friend_list"))["friend_list"]
        assert [friend["user_id"] for friend in friends] == [peer.user_id]
        (session,) = (await person.call("get_chat_session_list"))["chat_session_info_list"]
        assert session["chat_session_id"] == answer["new_session_id"]
        assert session["single_chat_friend_id"] == peer.user_id
        assert session["chat_session_name"] == peer.nickname
        assert session["prev_message"] is None
        assert (await person.call("get_pending_friend_events"))["event"] == []


async def test_a_refused_application_leaves_nothing(api: Api):
    one, other = await api.register(), await api.register()
    await one.call("add_friend_apply", respondent_id=other.user_id)
    answer = await other.call("add_friend_process", agree=False, apply_user_id=one.user_id)
    assert answer["new_session_id"] == ""
    assert (await one.call("get_friend_list"))["friend_list"] == []
    assert (await other.call("get_pending_friend_events"))["event"] == []
    await one.call("add_friend_apply", respondent_id=other.user_id)


async def test_an_answer_without_an_application_is_refused(api: Api):
    one, other = await api.register(), await api.register()
    with pytest.raises(Refused):
        await other.call("add_friend_process", agree=True, apply_user_id=one.user_id)


async def test_remove_friend_ends_friendship_and_conversation_for_both(pair):
    one, other, _ = pair
    await one.call("remove_friend", peer_id=other.user_id)
    for person in (one, other):
        assert (await person.call("get_friend_list"))["friend_list"] == []
        assert (await person.call("get_chat_session_list"))["chat_session_info_list"] == []


async def test_people_are_found_by_name_fragment_id_and_phone(api: Api, sms: SmsEndpoint):
    one, other = await api.register(), await api.register(new_name("张三丰"))
    phone = new_phone()
    code_id, code = await get_code(api, sms, phone)
    await other.call("set_phone", phone_number=phone, phone_verify_code_id=code_id, phone_verify_code=code)
    for key in (other.nickname, other.nickname[1:], other.user_id, phone):
        found = (await one.call("search_friend", search_key=key))["user_info"]
        assert other.user_id in {person["user_id"] for person in found}, key


async def test_a_group_appears_with_its_name_for_every_member(api: Api, pair):
    one, other, single = pair
    answer = await one.exchange(
        "create_chat_session", chat_session_name="家庭 👪", member_id_list=[one.user_id, other.user_id]
    )
    assert answer.fields["success"] is True
    for person in (one, other):
        sessions = (await person.call("get_chat_session_list"))["chat_session_info_list"]
        assert [session["chat_session_id"] == single for session in sessions] == [True, False]
        assert (sessions[1]["single_chat_friend_id"], sessions[1]["chat_session_name"]) == ("", "家庭 👪")
        group = sessions[1]["chat_session_id"]
        members = (await person.call("get_chat_session_member", chat_session_id=group))["member_info_list"]
        assert {member["user_id"] for member in members} == {one.user_id, other.user_id}


async def test_members_are_added_and_removed(api: Api, pair):
    one, other, _ = pair
    third = await api.register()
    await befriend(one, third)
    group = await make_group(one, other)
    await one.call("chat_session_add_member", chat_session_id=group, member_id_list=[third.user_id, other.user_id])
    assert group in await third.conversations()
    await one.call("chat_session_remove_member", chat_session_id=group, member_id=third.user_id)
    assert group not in await third.conversations()


async def test_every_kind_of_message_comes_back_with_its_content_or_without(pair):
    one, other, chat = pair
    await one.send(chat, text("你好"))
    await one.send(chat, picture(PNG))
    await one.send(chat, attachment("报告.pdf", b"%PDF", size=999))
    await one.send(chat, voice(b"\x00\x01" * 100))
    for name, extra in (
        ("get_history", {"start_time": 0, "over_time": int(time.time()) + 5}),
        ("get_recent", {"msg_count": 10}),
    ):
        for without in (True, False):
            answer = await other.call(name, chat_session_id=chat, exclude_file_content=without, **extra)
            said, shown, filed, spoken = (message["message"] for message in answer["msg_list"])
            assert said["string_message"] == {"content": "你好"}
            assert shown["image_message"]["image_content"] == (b"" if without else PNG)
            assert filed["file_message"]["file_contents"] == (b"" if without else b"%PDF")
            assert filed["file_message"]["file_name"] == "报告.pdf"
            assert filed["file_message"]["file_size"] == 4
            assert spoken["speech_message"]["file_contents"] == (b"" if without else b"\x00\x01" * 100)
            for part in (shown["image_message"], filed["file_message"], spoken["speech_message"]):
                assert part["file_id"]
            assert [message["message"]["message_type"] for message in answer["msg_list"]] == [0, 1, 2, 3]
            for message in answer["msg_list"]:
                assert message["sender"]["user_id"] == one.user_id
                assert message["chat_session_id"] == chat
                assert abs(message["timestamp"] - time.time()) < 60


async def test_get_history_is_bounded_by_both_times_inclusive(pair):
    one, _, chat = pair
    await one.send(chat, text("now"))
    (message,) = await one.history(chat)
    at = message["timestamp"]
    for start, over, expected in ((at, at, 1), (at + 1, at + 9, 0), (at - 9, at - 1, 0), (0, at, 1), (at, 2**40, 1)):
        answer = await one.call("get_history", chat_session_id=chat, start_time=start, over_time=over)
        assert len(answer["msg_list"]) == expected, (start - at, over - at)


async def test_get_recent_gives_the_newest_oldest_first(pair):
    one, _, chat = pair
    for number in range(5):
        await one.send(chat, text(str(number)))
    answer = await one.call("get_recent", chat_session_id=chat, msg_count=3)
    assert [item["message"]["string_message"]["content"] for item in answer["msg_list"]] == ["2", "3", "4"]


async def test_search_history_finds_text_of_one_conversation(pair):
    one, _, chat = pair
    await one.send(chat, text("今晚一起吃火锅"))
    await one.send(chat, text("好的"))
    answer = await one.call("search_history", chat_session_id=chat, search_key="火锅")
    assert [item["message"]["string_message"]["content"] for item in answer["msg_list"]] == ["今晚一起吃火锅"]


async def test_the_conversation_list_has_the_last_message(pair):
    one, other, chat = pair
    await one.send(chat, text("first"))
    await other.send(chat, text("last"))
    (session,) = (await one.call("get_chat_session_list"))["chat_session_info_list"]
    assert session["chat_session_id"] == chat
    assert session["prev_message"]["message"]["string_message"]["content"] == "last"
    assert session["prev_message"]["sender"]["user_id"] == other.user_id


async def test_files_are_put_and_fetched_one_or_many(pair):
    one, _, _ = pair
    single = await one.call("put_single_file", file_data={"file_name": "a", "file_size": 77, "file_content": b"aa"})
    assert (single["file_info"]["file_name"], single["file_info"]["file_size"]) == ("a", 2)
    files = [{"file_name": name, "file_content": name.encode()} for name in ("x", "y")]
    many = (await one.call("put_multi_file", file_data=files))["file_info"]
    assert [info["file_name"] for info in many] == ["x", "y"]
    ids = [single["file_info"]["file_id"], *(info["file_id"] for info in many)]
    assert len(set(ids)) == 3
    got = (await one.call("get_single_file", file_id=ids[0]))["file_data"]
    assert got == {"file_id": ids[0], "file_content": b"aa"}
    got = (await one.call("get_multi_file", file_id_list=ids))["file_data"]
    assert {key: value["file_content"] for key, value in got.items()} == dict(
        zip(ids, (b"aa", b"x", b"y"), strict=True)
    )


async def test_recognition_without_a_model_says_so(pair):
    with pytest.raises(Refused, match="语音识别"):
        await pair[0].call("recognition", speech_content=bytes(3200))


@pytest.mark.parametrize(
    "operation", [one for one in ORIGINAL if one.authenticated], ids=lambda operation: operation.name
)
async def test_nobody_acts_for_another_by_naming_that_user_id(pair, operation):
    """With somebody else's user_id filled in, every operation still happens in the name of the session."""
    one, other, _ = pair
    before = (await other.call("get_user_info"))["user_info"]
    answer = await one.exchange(operation.name, user_id=other.user_id)
    assert isinstance(answer.fields["success"], bool)
    assert (await other.call("get_user_info"))["user_info"] == before


async def test_a_person_may_be_logged_in_many_times(api: Api):
    one = await api.register()
    again: list[Person] = [await api.login(one.nickname) for _ in range(3)]
    assert len({person.session_id for person in (one, *again)}) == 4
    for person in (one, *again):
        await person.call("get_user_info")
