"""From rows to the messages of the protocol: senders as they are now, file contents where they are wanted and at hand.

Messages are made inside the answer that they belong to, and the event loop gets its turn between slices of a long list.

Nothing here fails a list: an unknown sender gets a placeholder, a missing file comes without content, and what does not fit
into an answer comes with its file_id only, by which every client can fetch it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from services.protocol.base_pb2 import FILE, IMAGE, SPEECH, STRING, MessageInfo, UserInfo
from services.protocol.file_pb2 import ReadFilesReq
from services.protocol.store_pb2 import SequencedMessage
from services.runtime.profiles import Profiles
from services.runtime.rpc import Clients, Unavailable
from services.store.messages import MessageRow
from services.stores.ports import StoreError

logger = logging.getLogger(__name__)

Messages = RepeatedCompositeFieldContainer[MessageInfo]
SequencedMessages = RepeatedCompositeFieldContainer[SequencedMessage]

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

    async def infos(self, into: Messages, rows: Sequence[MessageRow], *, with_content: bool) -> None:
        """For existing clients: senders with their (small) pictures, file contents if asked for."""
        people = await self._profiles.get(row.user_id for row in rows)
        if sum(len(people[row.user_id].avatar) for row in rows) > MAX_PICTURES:
            people = _without_pictures(people)
        contents = await self.contents(rows) if with_content else {}
        for start in range(0, len(rows), _SLICE):
            for row in rows[start : start + _SLICE]:
                fill(into.add(), row, people[row.user_id], contents)
            await asyncio.sleep(0)

    async def sequenced(
        self, into: SequencedMessages, rows: Sequence[MessageRow], asking: str, *, with_content: bool = False
    ) -> None:
        """For clients that know sequence numbers: no pictures. Request ids only of the asking user's own messages."""
        people = await self.people(rows)
        contents = await self.contents(rows) if with_content else {}
        for start in range(0, len(rows), _SLICE):
            for row in rows[start : start + _SLICE]:
                fill_sequenced(into.add(), row, asking, people[row.user_id], contents)
            await asyncio.sleep(0)

    async def people(self, rows: Sequence[MessageRow]) -> dict[str, UserInfo]:
        """The senders, without pictures."""
        return _without_pictures(await self._profiles.get(row.user_id for row in rows))

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


def fill_sequenced(
    message: SequencedMessage, row: MessageRow, asking: str, sender: UserInfo, contents: Mapping[str, bytes]
) -> None:
    fill(message.info, row, sender, contents)
    message.seq = row.seq
    if row.request_id and row.user_id == asking:
        message.request_id = row.request_id
    if row.transcript:
        message.transcript = row.transcript


def fill(info: MessageInfo, row: MessageRow, sender: UserInfo, contents: Mapping[str, bytes]) -> None:
    info.message_id = row.message_id
    info.chat_session_id = row.chat_session_id
    info.timestamp = row.create_time // 1000
    info.sender.CopyFrom(sender)
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


def _without_pictures(people: dict[str, UserInfo]) -> dict[str, UserInfo]:
    plain: dict[str, UserInfo] = {}
    for user_id, person in people.items():
        if person.avatar:
            plain[user_id] = UserInfo()
            plain[user_id].CopyFrom(person)
            plain[user_id].ClearField("avatar")
        else:
            plain[user_id] = person
    return plain
