"""Profiles and how people see each other."""

from __future__ import annotations

import pytest

from services.protocol import file_pb2, user_pb2
from tests.testbed.accounts import PNG, Person, World


async def set_avatar(world: World, person: Person, picture: bytes) -> user_pb2.SetUserAvatarRsp:
    answer: user_pb2.SetUserAvatarRsp = await world.call(
        "user", "SetUserAvatar", user_pb2.SetUserAvatarReq(user_id=person.user_id, avatar=picture)
    )
    return answer


async def test_ones_own_data_hold_picture_and_description(world: World) -> None:
    person = await world.register("小明")
    await set_avatar(world, person, PNG)
    await world.call(
        "user", "SetUserDescription", user_pb2.SetUserDescriptionReq(user_id=person.user_id, description="你好")
    )
    info = await world.info(person)
    assert (info.nickname, info.description, info.avatar) == ("小明", "你好", PNG)


async def test_a_lost_picture_does_not_lock_its_owner_out(world: World) -> None:
    person = await world.register("小明")
    await set_avatar(world, person, PNG)
    [(file_id,)] = await world.rows("SELECT avatar_id FROM user")
    await world.runtime.files.delete(file_id)
    info = await world.info(person)
    assert (info.nickname, info.avatar) == ("小明", b"")


async def test_profiles_are_served_without_the_file_service(world: World) -> None:
    person = await world.register("小明")
    await set_avatar(world, person, PNG)
    world.drop("file")
    assert (await world.info(person)).nickname == "小明"


async def test_a_replaced_picture_is_deleted(world: World) -> None:
    person = await world.register("小明")
    await set_avatar(world, person, PNG)
    [(old,)] = await world.rows("SELECT avatar_id FROM user")
    await set_avatar(world, person, PNG + b"2")
    assert await world.runtime.files.get(old) is None
    assert len(await world.rows("SELECT * FROM file")) == 1


async def test_a_picture_over_the_limit_is_refused(world: World) -> None:
    world.set("user", "maxAvatarSize", 1024)
    person = await world.register("小明")
    assert "头像" in (await set_avatar(world, person, PNG + bytes(1024))).errmsg


async def test_the_picture_of_nobody_leaves_no_file(world: World) -> None:
    await set_avatar(world, Person("nobody", ""), PNG)
    assert await world.rows("SELECT * FROM file") == []


async def test_friends_and_own_devices_hear_of_a_change_as_a_frame_only(world: World) -> None:
    a, b, _ = await world.friends("a", "b", "c")
    answer = await world.call("user", "SetUserNickname", user_pb2.SetUserNicknameReq(user_id=b.user_id, nickname="bb"))
    [delivery] = answer.delivery
    assert set(delivery.user_id) == {a.user_id, b.user_id}
    assert delivery.frame.profile.user_id == b.user_id
    assert not delivery.HasField("notify") and not delivery.HasField("plain")


async def test_a_taken_name_is_refused_with_the_reason(world: World) -> None:
    a, _ = await world.register("a"), await world.register("b")
    answer = await world.call("user", "SetUserNickname", user_pb2.SetUserNicknameReq(user_id=a.user_id, nickname="b"))
    assert answer.errmsg == "昵称已被使用"
    assert (await world.info(a)).nickname == "a"


async def test_ones_own_name_may_be_set_again(world: World) -> None:
    a = await world.register("a")
    answer = await world.call("user", "SetUserNickname", user_pb2.SetUserNicknameReq(user_id=a.user_id, nickname="a"))
    assert answer.success


@pytest.mark.parametrize("name", ["", "  ", "\u200b"])
async def test_a_name_is_never_empty(world: World, name: str) -> None:
    a = await world.register("a")
    answer = await world.call("user", "SetUserNickname", user_pb2.SetUserNicknameReq(user_id=a.user_id, nickname=name))
    assert not answer.success


async def test_an_unknown_id_does_not_spoil_a_list(world: World) -> None:
    a = await world.register("a")
    request = user_pb2.GetMultiUserInfoReq(users_id=[a.user_id, "nobody", a.user_id])
    assert set((await world.call("user", "GetMultiUserInfo", request)).users_info) == {a.user_id}


async def test_phone_numbers_are_private(world: World) -> None:
    person = await world.register_by_phone("13800138000")
    request = user_pb2.GetMultiUserInfoReq(users_id=[person.user_id])
    answer = await world.call("user", "GetMultiUserInfo", request)
    assert answer.users_info[person.user_id].phone == ""
    request.with_private = True
    answer = await world.call("user", "GetMultiUserInfo", request)
    assert answer.users_info[person.user_id].phone == "13800138000"


async def test_pictures_come_only_where_they_are_wanted(world: World) -> None:
    a = await world.register("a")
    await set_avatar(world, a, PNG)
    request = user_pb2.GetMultiUserInfoReq(users_id=[a.user_id])
    assert (await world.call("user", "GetMultiUserInfo", request)).users_info[a.user_id].avatar == PNG
    request.without_avatar = True
    assert (await world.call("user", "GetMultiUserInfo", request)).users_info[a.user_id].avatar == b""


async def test_nobody_else_reads_a_picture_by_its_file_id(world: World) -> None:
    a, b = await world.register("a"), await world.register("b")
    await set_avatar(world, a, PNG)
    [(file_id,)] = await world.rows("SELECT avatar_id FROM user WHERE avatar_id IS NOT NULL")
    answer = await world.call("file", "GetSingleFile", file_pb2.GetSingleFileReq(user_id=b.user_id, file_id=file_id))
    assert not answer.success


async def find(world: World, key: str, **options: object) -> list[str]:
    answer = await world.call("user", "FindUsers", user_pb2.FindUsersReq(search_key=key, **options))
    return [info.nickname for info in answer.user_info]


async def test_people_are_found_by_a_fragment_of_the_name(world: World) -> None:
    for name in ("王小明", "小红", "Alice", "서울사람"):
        await world.register(name)
    assert set(await find(world, "小")) == {"王小明", "小红"}
    assert await find(world, "lic") == ["Alice"]
    assert await find(world, "울") == ["서울사람"]
    assert await find(world, "ALICE") == ["Alice"]


async def test_a_person_is_found_as_soon_as_the_account_or_the_name_is_there(world: World) -> None:
    person = await world.register("旧名")
    assert await find(world, "旧") == ["旧名"]
    await world.call("user", "SetUserNickname", user_pb2.SetUserNicknameReq(user_id=person.user_id, nickname="新名"))
    assert (await find(world, "旧"), await find(world, "新")) == ([], ["新名"])


async def test_people_are_found_by_exact_id_and_phone_without_showing_it(world: World) -> None:
    person = await world.register_by_phone("13800138000")
    for key in (person.user_id, "13800138000"):
        answer = await world.call("user", "FindUsers", user_pb2.FindUsersReq(search_key=key))
        assert [(info.user_id, info.phone) for info in answer.user_info] == [(person.user_id, "")]
    assert await find(world, "1380013800") == []


async def test_an_empty_key_finds_nobody(world: World) -> None:
    await world.register("a")
    assert await find(world, "  ") == []
    assert await find(world, "a" * 1000) == []


async def test_hits_come_in_pages(world: World) -> None:
    for number in range(5):
        await world.register(f"name{number}")
    seen: list[str] = []
    token = ""
    while True:
        answer = await world.call(
            "user", "FindUsers", user_pb2.FindUsersReq(search_key="name", limit=2, page_token=token)
        )
        seen += [info.nickname for info in answer.user_info]
        token = answer.next_page_token
        if not token:
            break
    assert sorted(seen) == [f"name{number}" for number in range(5)]


async def test_a_wrong_page_token_is_refused(world: World) -> None:
    answer = await world.call("user", "FindUsers", user_pb2.FindUsersReq(search_key="a", page_token="x"))
    assert answer.errmsg == "分页参数无效"
