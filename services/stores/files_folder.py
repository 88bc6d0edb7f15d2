"""The Files port on a folder: one file per id, in 256 folders so that none grows too large.

A content appears under its name only when it is complete and on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import secrets
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from services.stores.ports import StoreError

T = TypeVar("T")

_ABANDONED = 3600.0
"""Seconds after which an unfinished write is nobody's any more; a younger one may be another process's."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class FolderFiles:
    """See services.stores.ports.Files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    async def open(cls, root: Path) -> FolderFiles:
        """Creates the folder if need be and clears what an interrupted write left. Raises StoreError."""
        files = cls(root)
        await files._in_thread(files._prepare)
        return files

    async def put(self, file_id: str, content: bytes) -> None:
        path = self._path(file_id)
        await self._in_thread(lambda: _write(path, content))

    async def get(self, file_id: str) -> bytes | None:
        path = self._path(file_id)
        return await self._in_thread(lambda: _read(path))

    async def delete(self, file_id: str) -> None:
        path = self._path(file_id)
        await self._in_thread(lambda: path.unlink(missing_ok=True))

    async def ping(self) -> None:
        if not await asyncio.to_thread(os.access, self._root, os.W_OK):
            raise StoreError(f"the folder of the files, {self._root}, is not there or not writable")

    async def close(self) -> None:
        return None

    def _path(self, file_id: str) -> Path:
        # Nothing but letters, digits, - and _ passes, so no id can name a place outside the folder.
        if not _ID.fullmatch(file_id):
            raise StoreError("not a file id", retryable=False)
        return self._root / f"{zlib.crc32(file_id.encode()) & 0xFF:02x}" / file_id

    def _prepare(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in self._root.glob("*/*.part"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _ABANDONED:
                    part.unlink()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreError("a file cannot be stored: the disk is full; free some space") from error
            raise StoreError(f"the folder of the files failed: {error.strerror}") from error


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> None:
    if not path.parent.exists():
        path.parent.mkdir(exist_ok=True, mode=0o700)
        _sync_folder(path.parent.parent)
    # A name of its own for each write: two of the same id must not share one.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
