"""The conversations of a person, in the original's form and in pages. A handful of queries however many there are.

The last message comes without file content, also for existing clients: they fetch content by file_id where they need it,
and the list stays small.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from services.friend import conversations
from services.friend.conversations import ConversationRow, Membership
from services.friend.people import look_up
from services.protocol import friend_pb2
from services.protocol.base_pb2 import ChatSessionInfo, UserInfo
from services.protocol.store_pb2 import GetLastMessagesReq
from services.runtime.context import Runtime
from services.runtime.refusal import Refusal
from services.runtime.rpc import Unavailable
from services.stores.ports import Connection, StoreError

log = logging.getLogger(__name__)

_DEFAULT_PAGE = 50
_LONGEST_PAGE = 200


class Listing:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def get_chat_session_list(
        self, request: friend_pb2.GetChatSessionListReq
    ) -> friend_pb2.GetChatSessionListRsp:
        """All of them, one-to-one conversations first."""

        def work(connection: Connection) -> tuple[list[ConversationRow], dict[str, str]]:
            return conversations.all_of(connection, request.user_id), conversations.peers(connection, request.user_id)

        rows, peers = await self._runtime.database.read(work)
        people = await look_up(self._runtime.clients, peers.values())
        last = await self._last_messages([row.chat_session_id for row in rows])
        return friend_pb2.GetChatSessionListRsp(
            request_id=request.request_id,
            success=True,
            chat_session_info_list=[_info(row, peers, people, last) for row in rows],
        )

    async def get_conversations(self, request: friend_pb2.GetConversationsReq) -> friend_pb2.GetConversationsRsp:
        """One page, the conversation with the latest message first, with read positions and unread counts."""
        limit = min(request.limit or _DEFAULT_PAGE, _LONGEST_PAGE)
        before = _parse_token(request.page_token)

        def work(connection: Connection) -> tuple[list[Membership], dict[str, str], dict[str, int]]:
            page = conversations.page_of(connection, request.user_id, limit + 1, before)
            ids = [mine.row.chat_session_id for mine in page]
            peers = conversations.peers(connection, request.user_id)
            return page, {id_: peers[id_] for id_ in ids if id_ in peers}, conversations.member_counts(connection, ids)

        page, peers, counts = await self._runtime.database.read(work)
        shown = page[:limit]
        people = await look_up(self._runtime.clients, peers.values())
        last = await self._last_messages([mine.row.chat_session_id for mine in shown])
        response = friend_pb2.GetConversationsRsp(request_id=request.request_id, success=True)
        for mine in shown:
            response.conversation.append(_conversation(mine, counts, _info(mine.row, peers, people, last), last))
        if len(page) > limit:
            response.next_page_token = f"{shown[-1].activity}.{shown[-1].row.chat_session_id}"
        return response

    async def _last_messages(self, chat_session_ids: Sequence[str]) -> dict[str, Any]:
        """SequencedMessage by conversation; none while the store service is away: the list is worth having without."""
        if not chat_session_ids:
            return {}
        try:
            answer = await self._runtime.clients.call(
                "store", "GetLastMessages", GetLastMessagesReq(chat_session_id=chat_session_ids)
            )
        except (Unavailable, StoreError) as error:
            log.warning("conversations are listed without their last messages: %s", error)
            return {}
        return dict(answer.message)


def _conversation(
    mine: Membership, counts: dict[str, int], info: ChatSessionInfo, last: dict[str, Any]
) -> friend_pb2.Conversation:
    row = mine.row
    message = last.get(row.chat_session_id)
    return friend_pb2.Conversation(
        info=info,
        last_seq=row.last_seq,
        read_seq=mine.read_seq,
        unread=max(0, row.last_seq - mine.read_seq),
        member_count=counts.get(row.chat_session_id, 0),
        owner_id=row.owner_id,
        prev_message_seq=message.seq if message else 0,
        prev_message_transcript=message.transcript if message else "",
    )


def _info(
    row: ConversationRow, peers: dict[str, str], people: dict[str, UserInfo], last: dict[str, Any]
) -> ChatSessionInfo:
    info = ChatSessionInfo(chat_session_id=row.chat_session_id, chat_session_name=row.name)
    peer_id = peers.get(row.chat_session_id)
    if peer_id is not None:
        peer = people.get(peer_id)
        info.single_chat_friend_id = peer_id
        info.chat_session_name = peer.nickname if peer else peer_id
        info.avatar = peer.avatar if peer else b""
    message = last.get(row.chat_session_id)
    if message is not None:  # existing clients test its presence
        info.prev_message.CopyFrom(message.info)
    return info


def _parse_token(token: str) -> tuple[int, str] | None:
    if not token:
        return None
    activity, _, chat_session_id = token.partition(".")
    if not activity.isdecimal() or len(activity) > 18 or not chat_session_id:
        raise Refusal("分页参数无效")
    return int(activity), chat_session_id
