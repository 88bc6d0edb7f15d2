"""What every Files adapter promises."""

import asyncio

import pytest

from services.stores.ports import StoreError


async def test_a_content_comes_back_byte_for_byte(files):
    content = bytes(range(256)) * 4096
    await files.put("f1", content)
    assert await files.get("f1") == content


async def test_an_empty_content_is_a_content(files):
    await files.put("f1", b"")
    assert await files.get("f1") == b""


async def test_what_is_not_there_is_none(files):
    assert await files.get("f1") is None


async def test_writing_again_replaces_the_whole(files):
    await files.put("f1", b"a longer first version")
    await files.put("f1", b"short")
    assert await files.get("f1") == b"short"


async def test_concurrent_writes_of_one_id_leave_one_of_them_whole(files):
    contents = [bytes([number]) * 300_000 for number in range(8)]
    await asyncio.gather(*(files.put("f1", content) for content in contents))
    assert await files.get("f1") in contents


async def test_a_deleted_content_is_gone_and_deleting_again_is_nothing(files):
    await files.put("f1", b"1")
    await files.delete("f1")
    await files.delete("f1")
    assert await files.get("f1") is None


async def test_contents_are_there_after_opening_again(open_files):
    await (await open_files()).put("f1", b"1")
    assert await (await open_files()).get("f1") == b"1"


@pytest.mark.parametrize(
    "file_id", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "a\x00b", "a.part", "x" * 65, "会", "a b", "a\n"]
)
async def test_an_id_of_any_other_form_is_refused_everywhere(files, file_id):
    for call in (files.get(file_id), files.put(file_id, b"1"), files.delete(file_id)):
        with pytest.raises(StoreError) as caught:
            await call
        assert not caught.value.retryable


async def test_ping_passes(files):
    await files.ping()
