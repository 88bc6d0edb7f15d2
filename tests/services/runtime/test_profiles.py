"""Senders are looked up for many at once, remembered briefly and within bounds, and never spoil an answer."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from services.protocol.base_pb2 import UserInfo
from services.protocol.user_pb2 import GetMultiUserInfoReq, GetMultiUserInfoRsp
from services.runtime.profiles import LIFETIME, MAX_PICTURE, Profiles
from services.runtime.rpc import Clients, Unavailable
from tests.testbed.runtime import Clock


class Users:
    """A user service in another process."""

    def __init__(self, *people: UserInfo) -> None:
        self.people = {person.user_id: person for person in people}
        self.asked: list[list[str]] = []
        self.away = False

    async def __call__(self, service: str, method: str, request: Message, timeout: float) -> GetMultiUserInfoRsp:
        assert isinstance(request, GetMultiUserInfoReq)
        self.asked.append(list(request.users_id))
        if self.away:
            raise Unavailable("no replica of service user is known")
        found = {user_id: self.people[user_id] for user_id in request.users_id if user_id in self.people}
        return GetMultiUserInfoRsp(success=True, users_info=found)


def person(name: str, **more: object) -> UserInfo:
    return UserInfo(user_id=name, nickname=name.capitalize(), **more)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def profiles(users: Users, clock: Clock, *, with_picture: bool = True) -> Profiles:
    return Profiles(Clients(users), clock, with_picture=with_picture)


async def test_people_are_asked_for_once_and_together(clock: Clock) -> None:
    users = Users(person("ann"), person("bob"))
    known = profiles(users, clock)
    found = await known.get(["ann", "bob", "ann"])
    assert {name: found[name].nickname for name in found} == {"ann": "Ann", "bob": "Bob"}
    await known.get(["bob"])
    assert users.asked == [["ann", "bob"]]


async def test_a_new_name_is_seen_after_a_while(clock: Clock) -> None:
    users = Users(person("ann"))
    known = profiles(users, clock)
    await known.get(["ann"])
    users.people["ann"].nickname = "Anna"
    assert (await known.get(["ann"]))["ann"].nickname == "Ann"
    clock.advance(LIFETIME + 1)
    assert (await known.get(["ann"]))["ann"].nickname == "Anna"


async def test_an_unknown_person_has_a_name_all_the_same(clock: Clock) -> None:
    assert (await profiles(Users(), clock).get(["gone"]))["gone"].nickname == "gone"


async def test_while_the_user_service_is_away_the_last_known_name_serves(clock: Clock) -> None:
    users = Users(person("ann"))
    known = profiles(users, clock)
    await known.get(["ann"])
    clock.advance(LIFETIME + 1)
    users.away = True
    found = await known.get(["ann", "bob"])
    assert (found["ann"].nickname, found["bob"].nickname) == ("Ann", "bob")
    users.away = False
    users.people["bob"] = person("bob")
    assert (await known.get(["bob"]))["bob"].nickname == "Bob"


async def test_phone_numbers_and_large_pictures_do_not_travel(clock: Clock) -> None:
    users = Users(
        person("ann", phone="13800000000", avatar=b"p" * MAX_PICTURE), person("bob", avatar=b"p" * (MAX_PICTURE + 1))
    )
    found = await profiles(users, clock).get(["ann", "bob"])
    assert (found["ann"].phone, len(found["ann"].avatar), found["bob"].avatar) == ("", MAX_PICTURE, b"")
    assert (await profiles(users, clock, with_picture=False).get(["ann"]))["ann"].avatar == b""


async def test_what_is_remembered_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.profiles.CAPACITY", 100_000)
    users = Users(*(person(f"u{number}", avatar=b"p" * 10_000) for number in range(50)))
    known = profiles(users, clock)
    found = await known.get(users.people)
    assert len(found) == 50
    assert 1 <= sum(known.remembered(name) is not None for name in users.people) <= 10
