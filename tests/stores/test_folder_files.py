"""What is the folder's own: nothing half-written is ever seen, and a failing disk is a StoreError."""

import errno
import os
import time

import pytest

from services.stores.files_folder import FolderFiles
from services.stores.ports import StoreError


def everything(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
async def files(tmp_path):
    return await FolderFiles.open(tmp_path / "files")


async def test_a_write_that_fails_leaves_the_old_content_and_no_rest(files, tmp_path, monkeypatch):
    await files.put("f1", b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        await files.put("f1", b"new")
    monkeypatch.undo()
    assert await files.get("f1") == b"old"
    assert everything(tmp_path / "files") == ["f1"]


async def test_what_an_interrupted_write_left_is_cleared_when_it_is_old(files, tmp_path):
    await files.put("f1", b"1")
    folder = next(path.parent for path in (tmp_path / "files").rglob("f1"))
    for name, age in (("old.part", 7200), ("young.part", 10)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age, time.time() - age))
    await FolderFiles.open(tmp_path / "files")
    assert everything(tmp_path / "files") == ["f1", "young.part"]


async def test_contents_are_spread_over_folders(files, tmp_path):
    for number in range(200):
        await files.put(f"file{number}", b"1")
    assert len(list((tmp_path / "files").iterdir())) > 50


async def test_a_folder_that_vanished_fails_the_ping(files, tmp_path):
    (tmp_path / "files").rmdir()
    with pytest.raises(StoreError, match="not there"):
        await files.ping()


async def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        await FolderFiles.open(tmp_path / "file" / "files")
