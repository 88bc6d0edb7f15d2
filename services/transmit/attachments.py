"""The contents of pictures, files and voice messages: kept by the file service before the message that names them.

The file is stored under the sender's request_id, so a repeated send finds the file of the first attempt and makes no
second one. Whether the sender may write to the conversation is looked at before, so that strangers cannot fill the disk;
what counts is the check in the transaction.
"""

from __future__ import annotations

import asyncio
import hashlib

from services.protocol.file_pb2 import StoreFileReq
from services.protocol.transmit_pb2 import NewMessageReq
from services.runtime.ids import new_id
from services.runtime.refusal import Refusal
from services.runtime.rpc import Clients, Unavailable
from services.stores.ports import Database
from services.transmit.batch import NOT_A_MEMBER
from services.transmit.draft import Draft, attachment, attachment_draft

REQUEST_PREFIX = "send:"
"""Keeps the files of messages apart from files uploaded under the same request_id, and tells the cleanup of the store
service which files were meant for a message."""

_LONGEST = 64 - len(REQUEST_PREFIX)
"""Characters of a request id behind the prefix: the file service would replace a longer key as a whole."""
_LARGE = 256 * 1024


class Attachments:
    def __init__(self, clients: Clients, database: Database) -> None:
        self._clients = clients
        self._database = database

    async def store(self, request: NewMessageReq) -> Draft:
        """The draft of a checked message with an attachment, its content stored. Raises Refusal."""
        part = attachment(request.message)
        if not part.content:
            return attachment_draft(request, part)
        await self._check_membership(request.chat_session_id, request.user_id)
        if len(part.content) > _LARGE:  # hashing lets the event loop go on
            draft = await asyncio.to_thread(attachment_draft, request, part)
        else:
            draft = attachment_draft(request, part)
        try:
            answer = await self._clients.call(
                "file",
                "StoreFile",
                StoreFileReq(
                    request_id=REQUEST_PREFIX + _shortened(request.request_id or new_id()),
                    user_id=request.user_id,
                    file_name=part.file_name or "",
                    content=part.content,
                ),
                timeout=60.0,
            )
        except Unavailable as error:
            raise Refusal("文件服务暂不可用，请稍后再试", retry_after=1.0) from error
        if not answer.success:
            raise Refusal(answer.errmsg or "文件保存失败")
        return draft._replace(file_id=answer.file_id, file_size=answer.file_size)

    async def _check_membership(self, chat_session_id: str, user_id: str) -> None:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT 1 FROM chat_session_member WHERE chat_session_id = ? AND user_id = ?",
                [chat_session_id, user_id],
            )
        )
        if not rows:
            raise Refusal(NOT_A_MEMBER)


def _shortened(request_id: str) -> str:
    return request_id if len(request_id) <= _LONGEST else hashlib.sha256(request_id.encode()).hexdigest()[:_LONGEST]
