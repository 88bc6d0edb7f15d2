"""Keeping and fetching contents: a row in the database for every file, its bytes in the file store.

The row is written first. So whatever lies in the file store has a row, and a file whose content never arrived (a crash in
between) is simply missing until the same request is repeated. Ids are made here, never by a client.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence

from services.file import records
from services.file.records import FileRecord
from services.runtime.context import Runtime
from services.runtime.refusal import Refusal
from services.stores.ports import Connection, UniqueViolation

NAME_BYTES = 255
READ_BUDGET = 64 * 2**20
"""Bytes of content in one answer, at most: the answer is held in memory as a whole."""
_REQUEST_ID_LENGTH = 64
_HASH_INLINE = 64 * 1024


class Shelf:
    """`largest` in bytes."""

    def __init__(self, runtime: Runtime, largest: int) -> None:
        self._runtime = runtime
        self._largest = largest

    async def store(
        self, user_id: str, name: str, content: bytes, request_id: str = "", *, content_in_key: bool = False
    ) -> FileRecord:
        """Returns when the file would survive a power cut. The same user and request id (if there is one) give the same
        file; with `content_in_key` only if the content is the same, too. Raises Refusal: too large, a name too long, or
        another content under the same request id."""
        if len(content) > self._largest:
            raise Refusal(f"文件不能超过 {self._largest // 2**20} MB" if self._largest >= 2**20 else "文件过大")
        if len(name.encode()) > NAME_BYTES:
            raise Refusal(f"文件名不能超过 {NAME_BYTES} 字节")
        record = FileRecord(secrets.token_hex(16), user_id, name, len(content), await _sha256(content))
        key = _key(f"{request_id}:{record.sha256}" if content_in_key and request_id else request_id)
        kept = await self._enter(record, key)
        if kept.sha256 != record.sha256:
            raise Refusal("同一请求不能保存不同的文件")
        await self._runtime.files.put(kept.file_id, content)
        return kept

    async def contents(self, found: Sequence[FileRecord]) -> dict[str, bytes]:
        """Contents by id. Files whose bytes are missing are left out, and those beyond READ_BUDGET, but never the only one."""
        chosen: list[str] = []
        left = READ_BUDGET
        for record in found:
            if record.file_size <= left or len(found) == 1:
                left -= record.file_size
                chosen.append(record.file_id)
        contents = {file_id: await self._runtime.files.get(file_id) for file_id in chosen}
        return {file_id: content for file_id, content in contents.items() if content is not None}

    async def delete(self, file_ids: Sequence[str]) -> None:
        """Removes contents, then rows: what a crash leaves half done can be repeated. Unknown ids are ignored."""
        found = await self._runtime.database.read(lambda connection: records.by_ids(connection, file_ids))
        known = [record.file_id for record in found]
        for file_id in known:
            await self._runtime.files.delete(file_id)
        if known:
            await self._runtime.database.write(lambda connection: records.delete(connection, known))

    async def _enter(self, record: FileRecord, key: str | None) -> FileRecord:
        now = self._runtime.clock()

        def work(connection: Connection) -> FileRecord:
            earlier = records.by_request(connection, record.user_id, key) if key else None
            if earlier is None:
                records.insert(connection, record, key, now)
            return earlier or record

        try:
            return await self._runtime.database.write(work)
        except UniqueViolation:  # the same request at the same time was first
            return await self._runtime.database.write(work)


def _key(request_id: str) -> str | None:
    if len(request_id) <= _REQUEST_ID_LENGTH:
        return request_id or None
    return hashlib.sha256(request_id.encode()).hexdigest()


async def _sha256(content: bytes) -> str:
    if len(content) <= _HASH_INLINE:
        return hashlib.sha256(content).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
