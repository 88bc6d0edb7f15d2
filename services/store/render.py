"""From rows to the messages of the protocol: senders as they are now, file contents where they are wanted and at hand.

Nothing here fails a list: an unknown sender gets a placeholder, a missing file comes without content, and what does not fit
into an answer comes with its file_id only, by which every client can fetch it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from services.protocol.base_pb2 import FILE, IMAGE, SPEECH, STRING, MessageInfo, UserInfo
from services.protocol.file_pb2 import ReadFilesReq
from services.protocol.store_pb2 import SequencedMessage
from services.runtime.profiles import Profiles
from services.runtime.rpc import Clients, Unavailable
from services.store.messages import MessageRow
from services.stores.ports import StoreError

logger = logging.getLogger(__name__)

MAX_CONTENT = 24 * 2**20
"""Bytes of file content in one answer, at most; the newest files come first."""

MAX_PICTURES = 4 * 2**20
"""Bytes of senders' pictures in one answer, at most; beyond that none is sent."""

_SLICE = 500
"""Messages made between two turns of the event loop."""


class Renderer:
    """`clients` leads to the user and the file service."""

    def __init__(self, clients: Clients, profiles: Profiles) -> None:
        self._clients = clients
        self._profiles = profiles

    async def infos(self, rows: Sequence[MessageRow], *, with_content: bool) -> list[MessageInfo]:
        """For existing clients: senders with their (small) pictures, file contents if asked for."""
        people = await self._profiles.get(row.user_id for row in rows)
        if sum(len(people[row.user_id].avatar) for row in rows) > MAX_PICTURES:
            people = {user_id: _without_picture(person) for user_id, person in people.items()}
        contents = await self.contents(rows) if with_content else {}
        infos: list[MessageInfo] = []
        for start in range(0, len(rows), _SLICE):
            infos += (message_info(row, people[row.user_id], contents) for row in rows[start : start + _SLICE])
            await asyncio.sleep(0)
        return infos

    async def sequenced(
        self, rows: Sequence[MessageRow], asking: str, *, with_content: bool = False
    ) -> list[SequencedMessage]:
        """For clients that know sequence numbers: no pictures. Request ids only of the asking user's own messages."""
        people = await self._profiles.get(row.user_id for row in rows)
        people = {user_id: _without_picture(person) for user_id, person in people.items()}
        contents = await self.contents(rows) if with_content else {}
        messages: list[SequencedMessage] = []
        for start in range(0, len(rows), _SLICE):
            messages += (
                SequencedMessage(
                    info=message_info(row, people[row.user_id], contents),
                    seq=row.seq,
                    request_id=row.request_id if row.user_id == asking else None,
                    transcript=row.transcript,
                )
                for row in rows[start : start + _SLICE]
            )
            await asyncio.sleep(0)
        return messages

    async def contents(self, rows: Sequence[MessageRow]) -> Mapping[str, bytes]:
        """file_id -> content of the newest files that fit into one answer together."""
        wanted: list[str] = []
        size = 0
        for row in reversed(rows):
            if row.file_id and row.file_id not in wanted:
                size += row.file_size or 0
                if size > MAX_CONTENT:
                    break
                wanted.append(row.file_id)
        if not wanted:
            return {}
        try:
            answer = await self._clients.call("file", "ReadFiles", ReadFilesReq(file_id=wanted), timeout=60.0)
        except (Unavailable, StoreError) as error:
            logger.warning("the file service is away, messages come without content", extra={"error": str(error)})
            return {}
        return dict(answer.content)


def message_info(row: MessageRow, sender: UserInfo, contents: Mapping[str, bytes]) -> MessageInfo:
    info = MessageInfo(
        message_id=row.message_id,
        chat_session_id=row.chat_session_id,
        timestamp=row.create_time // 1000,
        sender=sender,
    )
    message = info.message
    message.message_type = row.message_type  # type: ignore[assignment]
    file_id = row.file_id or ""
    match row.message_type:
        case t if t == STRING:
            message.string_message.content = row.content or ""
        case t if t == IMAGE:
            message.image_message.file_id = file_id
            message.image_message.image_content = contents.get(file_id, b"")
        case t if t == FILE:
            message.file_message.file_id = file_id
            message.file_message.file_size = row.file_size or 0
            message.file_message.file_name = row.file_name or ""
            message.file_message.file_contents = contents.get(file_id, b"")
        case t if t == SPEECH:
            message.speech_message.file_id = file_id
            message.speech_message.file_contents = contents.get(file_id, b"")
    return info


def _without_picture(person: UserInfo) -> UserInfo:
    if not person.avatar:
        return person
    plain = UserInfo()
    plain.CopyFrom(person)
    plain.ClearField("avatar")
    return plain
