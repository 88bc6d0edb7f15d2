"""Logging in by name and password."""

from __future__ import annotations

import asyncio
import logging

import pytest

from services.protocol import user_pb2
from services.runtime.push import session_key
from services.user.passwords import Passwords, _verify
from tests.testbed.accounts import World


async def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(world: World) -> None:
    await world.register("小明", "secret-1")
    wrong, unknown = await world.login("小明", "secret-2"), await world.login("小红", "secret-2")
    assert (wrong.success, wrong.errmsg) == (unknown.success, unknown.errmsg) == (False, "用户名或密码错误")


async def test_an_unknown_name_costs_the_same_work_as_a_wrong_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def spy(encoded: str, password: str) -> bool:
        checked.append(encoded)
        return _verify(encoded, password)

    await world.register("小明", "secret-1")
    monkeypatch.setattr("services.user.passwords._verify", spy)
    await world.login("小红", "secret-2")
    await world.login("小明", "secret-2")
    unknown, wrong = checked
    assert unknown.split("$")[1:4] == wrong.split("$")[1:4], "the same function with the same costs"


async def test_nothing_matches_the_hash_of_nobody() -> None:
    passwords = Passwords()
    assert not await passwords.matches("secret-1", None)
    await passwords.close()


async def test_too_many_wrong_passwords_make_a_name_wait(world: World) -> None:
    world.set("user", "loginFailures", 3)
    await world.register("小明", "secret-1")
    for _ in range(3):
        await world.login("小明", "wrong-password")
    answer = await world.login("小明", "secret-1")
    assert not answer.success and "15 分钟" in answer.errmsg


async def test_attempts_at_the_same_time_do_not_slip_past_the_limit(world: World) -> None:
    world.set("user", "loginFailures", 3)
    answers = await asyncio.gather(*(world.login("小明", "wrong-password") for _ in range(8)))
    assert sum("15 分钟" in answer.errmsg for answer in answers) == 5


async def test_a_login_forgets_the_failures_before_it(world: World) -> None:
    world.set("user", "loginFailures", 3)
    await world.register("小明", "secret-1")
    for _ in range(3):
        assert not (await world.login("小明", "wrong-password")).success
        assert (await world.login("小明", "secret-1")).success


async def test_white_space_around_the_name_does_not_matter(world: World) -> None:
    await world.register("小明", "secret-1")
    assert (await world.login(" 小明 ", "secret-1")).success


async def test_the_token_is_long_printable_and_stored_as_a_hash(world: World) -> None:
    await world.register("小明", "secret-1")
    token = (await world.login("小明", "secret-1")).login_session_id
    assert len(token) >= 43 and token.isascii() and token.isprintable()
    assert (session_key(token),) in await world.rows("SELECT token_hash FROM login_session")
    assert (token,) not in await world.rows("SELECT token_hash FROM login_session")


async def test_logins_are_counted_by_result(world: World) -> None:
    await world.register("小明", "secret-1")
    await world.login("小明", "wrong-password")
    count = world.runtime.metrics.get_sample_value
    assert count("chatsystem_logins_total", {"result": "ok"}) == 1
    assert count("chatsystem_logins_total", {"result": "refused"}) == 1


async def test_logs_hold_neither_passwords_nor_tokens(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await world.register("小明", "secret-1")
    token = (await world.login("小明", "secret-1")).login_session_id
    await world.login("小明", "wrong-password")
    assert not any(secret in caplog.text for secret in ("secret-1", "wrong-password", token))


async def test_a_second_login_leaves_the_first_one_alone(world: World) -> None:
    await world.register("小明", "secret-1")
    first = (await world.login("小明", "secret-1")).login_session_id
    await world.login("小明", "secret-1")
    assert await world.whose(first)


async def test_endless_names_and_passwords_are_just_wrong(world: World) -> None:
    assert (await world.login("x" * 10**6, "secret-1")).errmsg == "用户名或密码错误"
    assert (await world.login("小明", "x" * 10**6)).errmsg == "用户名或密码错误"


async def test_a_full_queue_of_passwords_asks_to_try_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.user.passwords._QUEUE_LIMIT", 0)
    world.rebuild()
    request = user_pb2.UserRegisterReq
    answers = await asyncio.gather(
        *(world.call("user", "UserRegister", request(nickname=f"n{i}", password="secret-1")) for i in range(12))
    )
    assert {answer.errmsg for answer in answers if not answer.success} == {"服务器繁忙，请稍后再试"}
    assert any(answer.success for answer in answers)
