"""Registering by name and password."""

from __future__ import annotations

import asyncio

import pytest

from services.protocol import user_pb2
from tests.testbed.accounts import World


async def test_a_registered_person_can_log_in(world: World) -> None:
    await world.register("小明", "secret-1")
    assert (await world.login("小明", "secret-1")).success


async def test_a_taken_name_is_refused(world: World) -> None:
    await world.register("小明")
    answer = await world.call("user", "UserRegister", user_pb2.UserRegisterReq(nickname="小明", password="secret-2"))
    assert (answer.success, answer.errmsg) == (False, "昵称已被使用")


async def test_of_two_registrations_at_once_one_gets_the_name(world: World) -> None:
    request = user_pb2.UserRegisterReq(nickname="小明", password="secret-1")
    answers = await asyncio.gather(*(world.call("user", "UserRegister", request) for _ in range(4)))
    assert sorted(answer.success for answer in answers) == [False, False, False, True]


@pytest.mark.parametrize(("nickname", "password"), [("", "secret-1"), ("x" * 22, "secret-1"), ("小明", "short")])
async def test_names_and_passwords_against_the_rules_are_refused(world: World, nickname: str, password: str) -> None:
    answer = await world.call(
        "user", "UserRegister", user_pb2.UserRegisterReq(request_id="r1", nickname=nickname, password=password)
    )
    assert not answer.success and answer.errmsg and answer.request_id == "r1"


async def test_no_password_is_stored_as_text(world: World) -> None:
    await world.register("小明", "secret-1")
    rows = await world.rows("SELECT password_hash FROM user")
    assert rows[0][0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_user_id_never_starts_like_an_agents(world: World) -> None:
    # An existing client shows the messages of users whose id starts with "agent" as Markdown.
    user_id = (await world.register("小明")).user_id
    assert set(user_id) <= set("0123456789abcdef")
