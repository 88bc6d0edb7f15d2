"""Phone codes, and what they open."""

from __future__ import annotations

import asyncio

import pytest

from services.protocol import user_pb2
from services.user.phone_codes import CodeLimits, PhoneCodes
from services.user.sms import SmsError
from tests.testbed.accounts import World

PHONE, OTHER = "13800138000", "13900139000"


async def request_code(world: World, phone: str, purpose: int = 0) -> str:
    answer = await world.call(
        "user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=phone, purpose=purpose)
    )
    assert answer.success, answer.errmsg
    return str(answer.verify_code_id)


async def log_in(world: World, phone: str, code_id: str, code: str) -> user_pb2.PhoneLoginRsp:
    answer: user_pb2.PhoneLoginRsp = await world.call(
        "user",
        "PhoneLogin",
        user_pb2.PhoneLoginReq(phone_number=phone, verify_code_id=code_id, verify_code=code),
    )
    return answer


async def test_a_code_registers_and_the_next_one_logs_in(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    person = await world.register_by_phone(PHONE)
    info = await world.info(person)
    assert (info.nickname, info.phone) == (person.user_id, PHONE)


async def test_a_code_has_six_digits(world: World) -> None:
    await request_code(world, PHONE)
    assert len(world.codes[PHONE]) == 6 and world.codes[PHONE].isdigit()


@pytest.mark.parametrize("phone", ["", "123", "12345678901", "138001380001"])
async def test_no_code_is_sent_to_what_is_no_mobile_number(world: World, phone: str) -> None:
    answer = await world.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=phone))
    assert answer.errmsg == "手机号格式不正确"


async def test_a_code_for_ones_own_phone_does_not_open_anothers_account(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    await world.register_by_phone(PHONE)
    code_id = await request_code(world, OTHER)
    answer = await log_in(world, PHONE, code_id, world.codes[OTHER])
    assert (answer.success, answer.login_session_id) == (False, "")


async def test_a_login_session_is_no_code(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    await world.register_by_phone(PHONE)
    person = await world.register("小明")
    assert not (await log_in(world, PHONE, person.token, person.user_id)).success


async def test_a_code_for_one_purpose_serves_no_other(world: World) -> None:
    code_id = await request_code(world, PHONE, user_pb2.REGISTER)
    assert (await log_in(world, PHONE, code_id, world.codes[PHONE])).errmsg == "验证码错误或已过期"


async def test_a_code_is_used_once(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    await world.register_by_phone(PHONE)
    code_id = await request_code(world, PHONE)
    answers = await asyncio.gather(*(log_in(world, PHONE, code_id, world.codes[PHONE]) for _ in range(4)))
    assert sorted(answer.success for answer in answers) == [False, False, False, True]


async def test_of_two_who_hold_the_code_at_the_same_time_one_gets_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set("user", "codeInterval", 0.0)
    await world.register_by_phone(PHONE)
    code_id = await request_code(world, PHONE)
    take, both_have_compared = world.runtime.cache.take, asyncio.Barrier(2)

    async def together(key: str) -> bytes | None:
        await both_have_compared.wait()
        return await take(key)

    monkeypatch.setattr(world.runtime.cache, "take", together)
    answers = await asyncio.gather(*(log_in(world, PHONE, code_id, world.codes[PHONE]) for _ in range(2)))
    assert sorted(answer.success for answer in answers) == [False, True]


async def test_a_code_is_void_after_some_wrong_attempts(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    world.set("user", "codeAttempts", 3)
    await world.register_by_phone(PHONE)
    code_id = await request_code(world, PHONE)
    for _ in range(3):
        await log_in(world, PHONE, code_id, "wrong")
    assert "重新获取" in (await log_in(world, PHONE, code_id, world.codes[PHONE])).errmsg
    assert not (await log_in(world, PHONE, code_id, world.codes[PHONE])).success


async def test_codes_for_one_phone_are_spaced(world: World) -> None:
    await request_code(world, PHONE)
    answer = await world.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=PHONE))
    assert "频繁" in answer.errmsg
    await request_code(world, OTHER)


async def test_codes_for_one_phone_are_limited_per_day(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    world.set("user", "codesPerDay", 2)
    for _ in range(2):
        await request_code(world, PHONE)
    answer = await world.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=PHONE))
    assert "今日" in answer.errmsg


async def test_a_code_ends_with_its_lifetime(world: World) -> None:
    codes = PhoneCodes(world.runtime.cache, world.sms, CodeLimits(lifetime=0.05, attempts=5, interval=0, per_day=5))
    code_id = await codes.send(PHONE, 0)
    await asyncio.sleep(0.1)
    with pytest.raises(Exception, match="已过期"):
        await codes.accept(PHONE, 0, code_id, world.codes[PHONE])


async def test_a_message_that_was_not_sent_does_not_count_for_the_interval(world: World) -> None:
    world.sms.error = SmsError("broken")
    answer = await world.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=PHONE))
    assert answer.errmsg == "短信发送失败，请稍后再试"
    world.sms.error = None
    await request_code(world, PHONE)


async def test_no_code_lies_readable_in_the_cache(world: World) -> None:
    code_id = await request_code(world, PHONE)
    stored = await world.runtime.cache.get(f"code:id:{code_id}")
    assert stored and world.codes[PHONE].encode() not in stored.replace(PHONE.encode(), b"")


async def test_a_registered_phone_is_not_registered_again(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    await world.register_by_phone(PHONE)
    code_id = await request_code(world, PHONE)
    answer = await world.call(
        "user",
        "PhoneRegister",
        user_pb2.PhoneRegisterReq(phone_number=PHONE, verify_code_id=code_id, verify_code=world.codes[PHONE]),
    )
    assert answer.errmsg == "该手机号已注册"


async def test_without_the_cache_phone_codes_say_so(world: World) -> None:
    world.cut_cache()
    answer = await world.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=PHONE))
    assert "暂不可用" in answer.errmsg


async def set_phone(world: World, user_id: str, phone: str, code_id: str, code: str) -> str:
    answer = await world.call(
        "user",
        "SetUserPhoneNumber",
        user_pb2.SetUserPhoneNumberReq(
            user_id=user_id, phone_number=phone, phone_verify_code_id=code_id, phone_verify_code=code
        ),
    )
    return "" if answer.success else str(answer.errmsg)


async def test_a_phone_is_set_with_a_code_sent_to_it(world: World) -> None:
    person = await world.register("小明")
    code_id = await request_code(world, PHONE, user_pb2.SET_PHONE)
    assert await set_phone(world, person.user_id, PHONE, code_id, world.codes[PHONE]) == ""
    assert (await world.info(person)).phone == PHONE


@pytest.mark.parametrize("sent_to", [PHONE, OTHER])
async def test_a_phone_is_not_set_without_the_code_sent_to_it(world: World, sent_to: str) -> None:
    person = await world.register("小明")
    code_id = await request_code(world, sent_to, user_pb2.SET_PHONE)
    request = user_pb2.SetUserPhoneNumberReq(
        user_id=person.user_id,
        phone_number=PHONE,
        phone_verify_code_id=code_id,
        phone_verify_code="no code" if sent_to == PHONE else world.codes[OTHER],
    )
    answer = await world.call("user", "SetUserPhoneNumber", request)
    assert (answer.success, answer.errmsg) == (False, "验证码错误或已过期")
    assert (await world.info(person)).phone == ""


async def test_a_number_that_is_none_is_not_set(world: World) -> None:
    person = await world.register("小明")
    code_id = await request_code(world, PHONE)
    assert "格式" in await set_phone(world, person.user_id, "123", code_id, world.codes[PHONE])


async def test_anothers_number_is_not_set(world: World) -> None:
    world.set("user", "codeInterval", 0.0)
    await world.register_by_phone(PHONE)
    person = await world.register("小明")
    code_id = await request_code(world, PHONE)
    assert "已被使用" in await set_phone(world, person.user_id, PHONE, code_id, world.codes[PHONE])
