"""Changing the password."""

from __future__ import annotations

import asyncio

import pytest

from services.protocol import user_pb2
from services.runtime.push import session_key
from services.user.passwords import Passwords
from tests.testbed.accounts import Person, World


async def change(world: World, person: Person, old: str, new: str) -> user_pb2.ChangePasswordRsp:
    answer: user_pb2.ChangePasswordRsp = await world.call(
        "user",
        "ChangePassword",
        user_pb2.ChangePasswordReq(user_id=person.user_id, session_id=person.token, old_password=old, new_password=new),
    )
    return answer


async def test_the_new_password_replaces_the_old_one(world: World) -> None:
    person = await world.register("小明", "secret-1")
    assert (await change(world, person, "secret-1", "secret-2")).success
    assert not (await world.login("小明", "secret-1")).success
    assert (await world.login("小明", "secret-2")).success


async def test_the_old_password_is_needed(world: World) -> None:
    person = await world.register("小明", "secret-1")
    assert (await change(world, person, "guess-1", "secret-2")).errmsg == "原密码错误"
    assert (await world.login("小明", "secret-1")).success


async def test_the_old_password_cannot_be_guessed_without_end(world: World) -> None:
    world.set("user", "loginFailures", 2)
    person = await world.register("小明", "secret-1")
    for _ in range(2):
        await change(world, person, "guess-1", "secret-2")
    assert "15 分钟" in (await change(world, person, "secret-1", "secret-2")).errmsg


async def test_attempts_to_log_in_do_not_keep_anybody_from_changing_a_password(world: World) -> None:
    world.set("user", "loginFailures", 2)
    person = await world.register("小明", "secret-1")
    for _ in range(4):
        await world.login(f"change {person.user_id}", "guess-1")
    assert (await change(world, person, "secret-1", "secret-2")).success


async def test_the_other_sessions_end(world: World) -> None:
    person = await world.register("小明", "secret-1")
    other = (await world.login("小明", "secret-1")).login_session_id
    await world.whose(other)
    await change(world, person, "secret-1", "secret-2")
    assert await world.whose(other) is None
    assert await world.whose(person.token)
    assert list(world.pushed[-1].revoked_session) == [session_key(other)]
    assert await world.rows("SELECT token_hash FROM login_session WHERE expires_at > 0") == [
        (session_key(person.token),)
    ]


async def test_a_login_under_way_with_the_old_password_opens_no_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.register("小明", "secret-1")
    has_checked, go_on = asyncio.Event(), asyncio.Event()
    matches = Passwords.matches

    async def slow_matches(self: Passwords, password: str, encoded: str | None) -> bool:
        right = await matches(self, password, encoded)
        if not has_checked.is_set():
            has_checked.set()
            await go_on.wait()
        return right

    monkeypatch.setattr(Passwords, "matches", slow_matches)
    login = asyncio.create_task(world.login("小明", "secret-1"))
    await has_checked.wait()
    assert (await change(world, person, "secret-1", "secret-2")).success
    go_on.set()
    assert (await login).errmsg == "用户名或密码错误"


async def test_an_account_without_password_gets_one(world: World) -> None:
    person = await world.register_by_phone("13800138000")
    assert (await change(world, person, "", "secret-2")).success
    assert (await world.login(person.user_id, "secret-2")).success
