"""Login sessions: how they live, how they end, and that they do without the cache."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.protocol import user_pb2
from services.runtime.push import session_key
from services.stores.ports import StoreError
from services.user import login_sessions
from services.user.login_sessions import LoginSession, LoginSessions
from tests.testbed.accounts import World
from tests.testbed.runtime import MakeRuntime

DAY = 86400


async def test_a_session_tells_whose_it_is(world: World) -> None:
    person = await world.register("小明")
    assert await world.whose(person.token) == person.user_id


async def test_an_unknown_session_is_refused(world: World) -> None:
    for token in ("", "nonsense", "x" * 10_000, "会话"):
        assert await world.whose(token) is None


async def test_a_session_ends_when_it_was_not_used_for_its_lifetime(world: World) -> None:
    person = await world.register("小明")
    world.clock.now += 31 * DAY
    assert await world.whose(person.token) is None


async def test_a_session_in_use_goes_on(world: World) -> None:
    person = await world.register("小明")
    for _ in range(3):
        world.clock.now += 20 * DAY
        await world.forget_cache()
        assert await world.whose(person.token)


async def test_a_renewal_is_written_at_most_once_an_hour(world: World) -> None:
    person = await world.register("小明")
    before = await world.rows("SELECT expires_at FROM login_session")
    world.clock.now += 3500
    await world.whose(person.token)
    assert await world.rows("SELECT expires_at FROM login_session") == before


def lookups(world: World, source: str) -> float:
    found = world.runtime.metrics.get_sample_value("chatsystem_user_session_lookups_total", {"source": source})
    return found or 0.0


async def test_a_session_in_use_is_asked_of_the_database_once_an_hour_at_most(world: World) -> None:
    person = await world.register("小明")
    await world.whose(person.token)
    before = lookups(world, "database")
    for _ in range(6 * 6):
        world.clock.now += 599
        assert await world.whose(person.token) == person.user_id
    assert lookups(world, "database") - before <= 6
    assert lookups(world, "cache") >= 30
    (row,) = await world.rows("SELECT expires_at FROM login_session")
    assert row[0] / 1000 >= world.clock.now + 30 * DAY - 3600 - 600


async def test_a_logout_while_the_cache_is_away_is_told_when_it_is_back(
    world: World, make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.register("小明")
    await world.whose(person.token)
    monkeypatch.setattr(login_sessions, "_RETRY", 0.02)
    cache = world.user_service.sessions._cache
    set_key = cache.set

    async def away(*arguments: Any, **options: Any) -> Any:
        raise StoreError("away")

    other = World(await make_runtime())
    assert await other.whose(person.token)
    monkeypatch.setattr(cache, "set", away)
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
    assert await world.whose(person.token) is None
    monkeypatch.setattr(cache, "set", set_key)
    async with asyncio.timeout(10):
        while await other.whose(person.token) is not None:  # noqa: ASYNC110 - the cache gives no sign
            await asyncio.sleep(0.01)
    await other.close()


async def test_a_revocation_survives_the_process_that_had_to_tell_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.register("小明")
    await world.whose(person.token)
    cache = world.user_service.sessions._cache

    async def away(*arguments: Any, **options: Any) -> Any:
        raise StoreError("away")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "set", away)
        await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
        await world.user_service.stop()
        world.rebuild()
        with pytest.raises(StoreError):
            await world.user_service.tell_again()
    await world.user_service.tell_again()
    assert await world.whose(person.token) is None
    assert list(world.pushed[-1].revoked_session) == [session_key(person.token)]


async def test_a_revocation_is_told_twice_more_and_then_forgotten(world: World) -> None:
    person, stranger = await world.register("小明"), await world.register("小红")
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
    before = len(world.pushed)
    for _ in range(3):
        await world.user_service.tell_again()
    assert [list(batch.revoked_session) for batch in world.pushed[before:]] == [[session_key(person.token)]] * 2
    assert await world.rows("SELECT token_hash FROM login_session") == [(session_key(stranger.token),)]


async def test_a_renewal_under_way_does_not_bring_a_revoked_session_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.register("小明")
    world.clock.now += 20 * DAY
    await world.forget_cache()
    database = world.runtime.database
    write = database.write

    async def too_late(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(database, "write", write)
        await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
        await world.forget_cache()
        return await write(*arguments, **options)

    monkeypatch.setattr(database, "write", too_late)
    assert await world.whose(person.token) is None
    assert await world.whose(person.token) is None


async def test_a_renewal_waits_for_a_database_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.register("小明")
    await world.whose(person.token)
    world.clock.now += 2 * 3600

    async def away(*arguments: Any, **options: Any) -> Any:
        raise StoreError("away")

    monkeypatch.setattr(world.runtime.database, "read", away)
    assert await world.whose(person.token) == person.user_id


async def test_a_session_that_ends_while_it_is_renewed_has_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.register("小明")
    world.clock.now += 20 * DAY
    await world.forget_cache()
    database = world.runtime.database
    write = database.write

    async def too_late(*arguments: Any, **options: Any) -> Any:
        await write(lambda connection: connection.change("DELETE FROM login_session"))
        return await write(*arguments, **options)

    monkeypatch.setattr(database, "write", too_late)
    assert await world.whose(person.token) is None


async def test_a_session_is_valid_without_the_cache(world: World) -> None:
    person = await world.register("小明")
    world.cut_cache()
    assert await world.whose(person.token) == person.user_id


async def test_one_logs_in_and_out_without_the_cache(world: World) -> None:
    await world.register("小明", "secret-1")
    world.cut_cache()
    token = (await world.login("小明", "secret-1")).login_session_id
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=await world.whose(token) or "", session_id=token))
    assert await world.whose(token) is None


async def test_logout_ends_this_session_only_and_closes_its_connections(world: World) -> None:
    person = await world.register("小明", "secret-1")
    other = (await world.login("小明", "secret-1")).login_session_id
    await world.whose(person.token)
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
    assert await world.whose(person.token) is None
    assert await world.whose(other) == person.user_id
    assert list(world.pushed[-1].revoked_session) == [session_key(person.token)]


async def test_logout_everywhere_ends_all_sessions_and_connections_of_the_user(world: World) -> None:
    person, stranger = await world.register("小明", "secret-1"), await world.register("小红")
    other = (await world.login("小明", "secret-1")).login_session_id
    await world.whose(other)
    await world.call(
        "user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token, everywhere=True)
    )
    assert await world.whose(person.token) is None
    assert await world.whose(other) is None
    assert await world.whose(stranger.token)
    assert list(world.pushed[-1].revoked_user) == [person.user_id]


async def test_nobody_logs_another_person_out(world: World) -> None:
    person, stranger = await world.register("小明"), await world.register("小红")
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=stranger.user_id, session_id=person.token))
    await world.forget_cache()
    assert await world.whose(person.token)


async def test_a_reader_under_way_does_not_bring_a_revoked_session_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.register("小明")
    await world.forget_cache()
    has_read, go_on = asyncio.Event(), asyncio.Event()
    load = LoginSessions._load

    async def slow_load(self: LoginSessions, key: str) -> LoginSession | None:
        session = await load(self, key)
        has_read.set()
        await go_on.wait()
        return session

    monkeypatch.setattr(LoginSessions, "_load", slow_load)
    reader = asyncio.create_task(world.whose(person.token))
    await has_read.wait()
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
    go_on.set()
    await reader
    assert await world.whose(person.token) is None


async def test_a_session_revoked_at_one_replica_is_refused_by_the_others(
    world: World, make_runtime: MakeRuntime
) -> None:
    other = World(await make_runtime())
    person = await world.register("小明")
    assert await other.whose(person.token)
    await world.call("user", "Logout", user_pb2.LogoutReq(user_id=person.user_id, session_id=person.token))
    assert await other.whose(person.token) is None
    await other.close()


async def test_expired_sessions_are_deleted(world: World) -> None:
    await world.register("小明")
    world.clock.now += 31 * DAY
    await world.register("小红")
    assert await world.user_service.sessions.sweep() == 1
    assert len(await world.rows("SELECT * FROM login_session")) == 1


async def test_a_code_id_is_no_session(world: World) -> None:
    answer = await world.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number="13800138000"))
    assert await world.whose(answer.verify_code_id) is None
