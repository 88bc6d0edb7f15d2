"""What nobody can see any more is deleted, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from services.protocol.file_pb2 import StoreFileReq
from services.runtime.rpc import Unavailable
from services.store.cleanup import Cleanup
from tests.testbed.messaging import picture, rows, say, send, set_members, text
from tests.testbed.runtime import TestRuntime


async def file_of(chat: TestRuntime, conversation: str, content: bytes = b"pixels") -> str:
    return (await send(chat, picture("ann", conversation, content))).message.message.image_message.file_id


async def abandon(chat: TestRuntime, *, dissolve: bool = False) -> None:
    await set_members(chat, "group")
    if dissolve:
        await chat.database.write(lambda c: c.change("DELETE FROM chat_session WHERE chat_session_id = 'group'"))


@pytest.mark.parametrize("dissolve", [True, False])
async def test_an_abandoned_conversation_is_deleted_with_its_files(chat: TestRuntime, dissolve: bool) -> None:
    file_id = await file_of(chat, "group")
    await say(chat, "ann", "group", "a", "b")
    await say(chat, "ann", "pair", "kept")
    await abandon(chat, dissolve=dissolve)
    assert await Cleanup(chat.database, chat.clients, chat.clock).sweep() == 3
    assert await rows(chat, "SELECT content FROM message") == [("kept",)]
    assert await rows(chat, "SELECT 1 FROM chat_session WHERE chat_session_id = 'group'") == []
    assert await chat.files.get(file_id) is None


async def test_a_file_that_another_conversation_names_is_kept(chat: TestRuntime) -> None:
    file_id = await file_of(chat, "group")
    await send(chat, picture("ann", "pair", b"", file_id=file_id))
    await abandon(chat)
    await Cleanup(chat.database, chat.clients, chat.clock).sweep()
    assert await chat.files.get(file_id) == b"pixels"


async def test_conversations_with_a_member_are_kept(chat: TestRuntime) -> None:
    await say(chat, "ann", "group", "a")
    await set_members(chat, "group", "bob")
    assert await Cleanup(chat.database, chat.clients, chat.clock).sweep() == 0
    assert await rows(chat, "SELECT content FROM message") == [("a",)]


async def test_a_conversation_that_has_members_again_is_not_forgotten(
    chat: TestRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(chat, "ann", "group", "a")
    await abandon(chat)
    write = chat.database.write

    async def after_somebody_came(*arguments: Any, **options: Any) -> Any:
        await write(
            lambda connection: connection.change(
                connection.dialect.insert_ignore("chat_session_member", ("chat_session_id", "user_id", "joined_at")),
                ["group", "bob", 0],
            )
        )
        return await write(*arguments, **options)

    monkeypatch.setattr(chat.database, "write", after_somebody_came)
    await Cleanup(chat.database, chat.clients, chat.clock).sweep()
    assert len(await rows(chat, "SELECT 1 FROM chat_session WHERE chat_session_id = 'group'")) == 1


async def test_long_conversations_go_in_parts(chat: TestRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.store.cleanup.CHUNK", 3)
    await say(chat, "ann", "group", *"abcdefg")
    await abandon(chat)
    assert await Cleanup(chat.database, chat.clients, chat.clock).sweep() == 7


async def test_messages_stay_until_their_files_are_gone(chat: TestRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    await file_of(chat, "group")
    await abandon(chat)
    call = chat.clients.call

    async def away(service: str, *rest: object, **more: object) -> object:
        raise Unavailable(f"no replica of service {service} is known")

    monkeypatch.setattr(chat.clients, "call", away)
    with pytest.raises(Unavailable):
        await Cleanup(chat.database, chat.clients, chat.clock).sweep()
    assert await rows(chat, "SELECT count(*) FROM message") == [(1,)]
    monkeypatch.setattr(chat.clients, "call", call)
    assert await Cleanup(chat.database, chat.clients, chat.clock).sweep() == 1


async def test_the_file_of_a_message_that_was_never_stored_goes_after_a_day(chat: TestRuntime) -> None:
    kept = await file_of(chat, "pair")
    request = StoreFileReq(request_id="send:lost", user_id="ann", content=b"lost")
    lost = (await chat.clients.call("file", "StoreFile", request)).file_id
    request = StoreFileReq(request_id="put:0:r1", user_id="ann", content=b"uploaded")
    uploaded = (await chat.clients.call("file", "StoreFile", request)).file_id
    cleanup = Cleanup(chat.database, chat.clients, chat.clock)
    assert await cleanup.sweep_files() == 0
    chat.clock.advance(86_401)
    assert await cleanup.sweep_files() == 1
    assert [await chat.files.get(file_id) for file_id in (kept, lost, uploaded)] == [b"pixels", None, b"uploaded"]


@pytest.mark.parametrize("length", [1, 59, 60, 64])
async def test_the_file_of_a_refused_message_goes_however_long_its_request_id(chat: TestRuntime, length: int) -> None:
    await send(chat, text("ann", "pair", "used", "r" * length))
    refused = await send(chat, picture("ann", "pair", b"lost", "r" * length))
    assert not refused.success
    chat.clock.advance(86_401)
    assert await Cleanup(chat.database, chat.clients, chat.clock).sweep_files() == 1
    assert await rows(chat, "SELECT file_id FROM file") == []


async def test_a_long_request_id_repeated_makes_no_second_file(chat: TestRuntime) -> None:
    for _ in range(2):
        assert (await send(chat, picture("ann", "pair", b"pixels", "r" * 64))).success
    assert await rows(chat, "SELECT count(*) FROM file") == [(1,)]


async def test_a_file_is_looked_at_once(chat: TestRuntime) -> None:
    """One that appears among those that were looked at, as none does, is not found."""
    cleanup = Cleanup(chat.database, chat.clients, chat.clock)
    await file_of(chat, "pair")
    chat.clock.advance(10 * 86_400)
    assert await cleanup.sweep_files() == 0
    now = int(chat.clock() * 1000)

    def add(age: float) -> Any:
        columns = ("file_id", "user_id", "request_id", "file_size", "sha256", "created_at")
        row = (f"{int(age):032x}", "ann", f"send:{age}", 1, "", now - int(age * 1000))
        return chat.database.write(lambda connection: connection.insert_many("file", columns, [row]))

    await add(5 * 86_400)
    await add(86_400 + 600)  # the clocks of processes differ
    await add(86_400 - 600)
    assert await cleanup.sweep_files() == 1
    chat.clock.advance(1200)
    assert await cleanup.sweep_files() == 1
    assert await rows(chat, "SELECT file_id FROM file WHERE file_size = 1") == [(f"{5 * 86_400:032x}",)]


async def test_a_sweep_that_failed_begins_again_where_it_began(
    chat: TestRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = StoreFileReq(request_id="send:lost", user_id="ann", content=b"lost")
    await chat.clients.call("file", "StoreFile", request)
    chat.clock.advance(86_401)
    cleanup = Cleanup(chat.database, chat.clients, chat.clock)
    call = chat.clients.call

    async def away(service: str, *rest: object, **more: object) -> object:
        raise Unavailable(f"no replica of service {service} is known")

    monkeypatch.setattr(chat.clients, "call", away)
    with pytest.raises(Unavailable):
        await cleanup.sweep_files()
    monkeypatch.setattr(chat.clients, "call", call)
    assert await cleanup.sweep_files() == 1


async def test_many_files_of_one_moment_are_all_looked_at(chat: TestRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.store.file_cleanup.CHUNK", 3)
    for number in range(8):
        request = StoreFileReq(request_id=f"send:{number}", user_id="ann", content=b"lost")
        await chat.clients.call("file", "StoreFile", request)
    chat.clock.advance(86_401)
    assert await Cleanup(chat.database, chat.clients, chat.clock).sweep_files() == 8


async def test_the_looking_goes_by_an_index(chat: TestRuntime) -> None:
    seen: list[str] = []
    read = chat.database.read

    async def explained(work: Any) -> Any:
        def spied(connection: Any) -> Any:
            execute = connection.execute

            class Spy:
                dialect = connection.dialect

                def execute(self, sql: str, parameters: Any = ()) -> Any:
                    if sql.startswith("SELECT created_at"):
                        prefix = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
                        seen.append(str(execute(prefix + sql, parameters)))
                    return execute(sql, parameters)

            return work(Spy())

        return await read(spied)

    await file_of(chat, "pair")
    chat.clock.advance(86_401)
    chat.database.read = explained  # type: ignore[method-assign]
    await Cleanup(chat.database, chat.clients, chat.clock).sweep_files()
    chat.database.read = read  # type: ignore[method-assign]
    assert seen
    assert all("file_age" in plan for plan in seen)


@pytest.mark.parametrize("crash", ["before the change", "after the change"])
async def test_a_picture_that_a_crash_left_behind_goes_after_a_day(chat: TestRuntime, crash: str) -> None:
    async def stored(content: bytes) -> str:
        request = StoreFileReq(request_id=f"avatar:{content.decode()}", user_id="ann", content=content)
        return (await chat.clients.call("file", "StoreFile", request)).file_id

    def wears(file_id: str) -> Any:
        return chat.database.write(lambda c: c.change("UPDATE user SET avatar_id = ? WHERE user_id = 'ann'", [file_id]))

    cleanup = Cleanup(chat.database, chat.clients, chat.clock)
    old = await stored(b"old")
    await wears(old)
    chat.clock.advance(30 * 86_400)
    assert await cleanup.sweep_files() == 0
    new = await stored(b"new")
    if crash == "after the change":
        await wears(new)
    assert await cleanup.sweep_files() == 0
    chat.clock.advance(86_401)
    assert await cleanup.sweep_files() == 1
    kept = {file_id: await chat.files.get(file_id) for file_id in (old, new)}
    assert kept == ({old: None, new: b"new"} if crash == "after the change" else {old: b"old", new: None})
