"""Files: who may read them, how large they may be, and that a repetition makes no second one."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from services.protocol import file_pb2
from services.protocol.base_pb2 import FileUploadData
from tests.testbed.accounts import World
from tests.testbed.runtime import MakeRuntime


async def put(world: World, user_id: str, content: bytes, *, rid: str = "", size: int = 0) -> str:
    answer = await world.call(
        "file",
        "PutSingleFile",
        file_pb2.PutSingleFileReq(
            request_id=rid,
            user_id=user_id,
            file_data=FileUploadData(file_name="a.txt", file_size=size, file_content=content),
        ),
    )
    assert answer.success, answer.errmsg
    return str(answer.file_info.file_id)


async def get(world: World, user_id: str, file_id: str) -> bytes | str:
    answer = await world.call("file", "GetSingleFile", file_pb2.GetSingleFileReq(user_id=user_id, file_id=file_id))
    return bytes(answer.file_data.file_content) if answer.success else str(answer.errmsg)


async def test_the_uploader_reads_a_file_back(world: World) -> None:
    file_id = await put(world, "u1", b"content")
    assert await get(world, "u1", file_id) == b"content"


async def test_an_empty_file_is_a_file(world: World) -> None:
    assert await get(world, "u1", await put(world, "u1", b"")) == b""


async def test_strangers_and_guesses_get_the_same_answer(world: World) -> None:
    file_id = await put(world, "u1", b"content")
    assert await get(world, "u2", file_id) == await get(world, "u2", "0" * 32) == "文件不存在或无权访问"


async def test_members_of_the_conversation_read_what_was_sent_there(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    session_id = await world.single(a, b)
    file_id = await put(world, a.user_id, b"content")
    await world.say(session_id, a, file_id=file_id)
    assert await get(world, b.user_id, file_id) == b"content"
    assert await get(world, c.user_id, file_id) == "文件不存在或无权访问"


async def test_a_former_member_reads_nothing_any_more(world: World) -> None:
    a, b, c = await world.friends("a", "b", "c")
    group = await world.group(a, b, c)
    file_id = await put(world, a.user_id, b"content")
    await world.say(group, a, file_id=file_id)
    await world.leave(group, c)
    assert await get(world, c.user_id, file_id) == "文件不存在或无权访问"


@pytest.mark.parametrize(
    "file_id", ["", "../chat.db", "/etc/passwd", "..", "a/b", "a\0b", "%2e%2e%2f", "x" * 10_000, "文件"]
)
async def test_no_id_reaches_outside_the_store(world: World, file_id: str) -> None:
    assert await get(world, "u1", file_id) == "文件不存在或无权访问"


async def test_a_file_over_the_limit_is_refused(world: World) -> None:
    world.set("file", "maxFileSize", 1024)
    answer = await world.call(
        "file",
        "PutSingleFile",
        file_pb2.PutSingleFileReq(user_id="u1", file_data=FileUploadData(file_content=bytes(1025))),
    )
    assert not answer.success and answer.errmsg == "文件过大"
    assert await world.rows("SELECT * FROM file") == []


async def test_the_size_is_counted_not_believed(world: World) -> None:
    file_id = await put(world, "u1", b"content", size=10**12)
    [(size, digest)] = await world.rows("SELECT file_size, sha256 FROM file")
    assert (size, digest) == (7, hashlib.sha256(b"content").hexdigest())
    assert file_id


async def test_a_name_that_no_message_could_carry_is_refused(world: World) -> None:
    answer = await world.call(
        "file", "PutSingleFile", file_pb2.PutSingleFileReq(user_id="u1", file_data=FileUploadData(file_name="x" * 256))
    )
    assert "文件名" in answer.errmsg


async def store(world: World, content: bytes, rid: str, user_id: str = "u1") -> file_pb2.StoreFileRsp:
    answer: file_pb2.StoreFileRsp = await world.call(
        "file", "StoreFile", file_pb2.StoreFileReq(request_id=rid, user_id=user_id, content=content)
    )
    return answer


async def test_the_same_request_makes_one_file_also_at_the_same_time(world: World) -> None:
    answers = await asyncio.gather(*(store(world, b"content", "r1") for _ in range(5)))
    assert len({answer.file_id for answer in answers}) == 1
    assert len(await world.rows("SELECT * FROM file")) == 1


async def test_requests_of_different_people_are_different(world: World) -> None:
    first, second = await store(world, b"content", "r1"), await store(world, b"content", "r1", "u2")
    assert first.file_id != second.file_id


async def test_requests_without_an_id_are_different(world: World) -> None:
    assert (await store(world, b"content", "")).file_id != (await store(world, b"content", "")).file_id


async def test_another_content_under_the_same_request_is_refused_and_changes_nothing(world: World) -> None:
    first = await store(world, b"content", "r1")
    assert not (await store(world, b"other", "r1")).success
    assert await get(world, "u1", first.file_id) == b"content"


async def test_a_content_lost_between_row_and_store_comes_back_with_the_repetition(world: World) -> None:
    first = await store(world, b"content", "r1")
    await world.runtime.files.delete(first.file_id)
    assert (await store(world, b"content", "r1")).file_id == first.file_id
    assert await get(world, "u1", first.file_id) == b"content"


async def test_a_request_id_of_any_length_serves(world: World) -> None:
    first, second = await store(world, b"content", "r" * 5000), await store(world, b"content", "r" * 5000)
    assert first.file_id == second.file_id


async def test_a_repeated_upload_makes_one_file_and_another_content_another(world: World) -> None:
    first = await put(world, "u1", b"content", rid="r1")
    assert await put(world, "u1", b"content", rid="r1") == first
    assert await put(world, "u1", b"other", rid="r1") != first


async def test_one_missing_or_forbidden_file_does_not_spoil_the_others(world: World) -> None:
    mine, lost, foreign = [
        await put(world, user, content) for user, content in (("u1", b"1"), ("u1", b"2"), ("u2", b"3"))
    ]
    await world.runtime.files.delete(lost)
    answer = await world.call(
        "file",
        "GetMultiFile",
        file_pb2.GetMultiFileReq(user_id="u1", file_id_list=[mine, lost, foreign, "nothing", mine]),
    )
    assert answer.success
    assert {file_id: data.file_content for file_id, data in answer.file_data.items()} == {mine: b"1"}


async def test_several_files_are_stored_in_order(world: World) -> None:
    uploads = [FileUploadData(file_name=f"{n}", file_content=b"x" * n) for n in range(3)]
    answer = await world.call(
        "file", "PutMultiFile", file_pb2.PutMultiFileReq(request_id="r", user_id="u1", file_data=uploads)
    )
    assert [(info.file_name, info.file_size) for info in answer.file_info] == [("0", 0), ("1", 1), ("2", 2)]
    assert len({info.file_id for info in answer.file_info}) == 3


async def test_more_files_than_an_answer_may_hold_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.file.service.READ_BUDGET", 10)
    ids = [await put(world, "u1", bytes(6)) for _ in range(2)]
    answer = await world.call("file", "GetMultiFile", file_pb2.GetMultiFileReq(user_id="u1", file_id_list=ids))
    assert "分批" in answer.errmsg
    answer = await world.call("file", "GetMultiFile", file_pb2.GetMultiFileReq(user_id="u1", file_id_list=["x"] * 5))
    assert answer.success


async def test_other_services_read_what_fits_into_one_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.file.shelf.READ_BUDGET", 10)
    ids = [await put(world, "u1", bytes(6)) for _ in range(2)]
    answer = await world.call("file", "ReadFiles", file_pb2.ReadFilesReq(file_id=[*ids, "nothing"]))
    assert len(answer.content) == 1


async def test_a_single_file_is_read_however_large_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.file.shelf.READ_BUDGET", 10)
    assert await get(world, "u1", await put(world, "u1", bytes(11))) == bytes(11)


async def test_every_replica_has_every_file(world: World, make_runtime: MakeRuntime) -> None:
    other = World(await make_runtime())
    assert await get(other, "u1", await put(world, "u1", b"content")) == b"content"
    await other.close()


async def test_deleted_files_leave_nothing(world: World) -> None:
    file_id = await put(world, "u1", b"content")
    for _ in range(2):
        answer = await world.call("file", "DeleteFiles", file_pb2.DeleteFilesReq(file_id=[file_id, "../x"]))
        assert answer.success
    assert await world.runtime.files.get(file_id) is None
    assert await world.rows("SELECT * FROM file") == []
