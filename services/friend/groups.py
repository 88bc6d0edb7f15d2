"""Groups: making them, who belongs to them, their name. Anyone brings in own friends; the owner removes people and renames."""

from __future__ import annotations

from collections.abc import Sequence

from services.friend import conversations, notices, relations
from services.friend.conversations import GROUP, ConversationRow
from services.friend.people import look_up
from services.protocol import friend_pb2
from services.protocol.base_pb2 import ChatSessionInfo
from services.runtime.context import Runtime
from services.runtime.ids import new_id
from services.runtime.refusal import Refusal
from services.stores.ports import Connection

NAME_LENGTH = 64
_UNNAMED = "群聊"
_NOT_A_MEMBER = "会话不存在或您不是其成员"
_NAMED_AT_MOST = 3


class Groups:
    def __init__(self, runtime: Runtime, max_members: int, max_groups: int) -> None:
        self._runtime = runtime
        self._max_members = max_members
        self._max_groups = max_groups

    async def create(self, request: friend_pb2.ChatSessionCreateReq) -> friend_pb2.ChatSessionCreateRsp:
        """The creator owns the group and is a member whether listed or not; the others are the creator's friends."""
        me = request.user_id
        name = _clean_name(request.chat_session_name) or _UNNAMED
        members = [user_id for user_id in dict.fromkeys([me, *request.member_id_list]) if user_id]
        await self._check_friends(me, members[1:])
        session_id, now = new_id(), self._runtime.clock()

        def work(connection: Connection) -> None:
            self._check_room(connection, len(members), members)
            conversations.create_group(connection, session_id, name=name, owner=me, members=members, now=now)

        await self._runtime.database.write(work)
        info = ChatSessionInfo(chat_session_id=session_id, chat_session_name=name)
        return friend_pb2.ChatSessionCreateRsp(
            request_id=request.request_id,
            success=True,
            chat_session_info=info,
            delivery=[notices.session_created(info, members)],
        )

    async def add_members(self, request: friend_pb2.ChatSessionAddMemberReq) -> friend_pb2.ChatSessionAddMemberRsp:
        """Any member may add own friends; who is a member already is passed over."""
        me, session_id = request.user_id, request.chat_session_id
        wanted = [user_id for user_id in dict.fromkeys(request.member_id_list) if user_id]

        def present(connection: Connection) -> list[str]:
            _group_of(connection, session_id, me)
            return conversations.members(connection, session_id)

        already = set(await self._runtime.database.read(present))
        await self._check_friends(me, [user_id for user_id in wanted if user_id not in already])
        now = self._runtime.clock()

        def work(connection: Connection) -> tuple[ConversationRow, list[str], list[str]]:
            row = _group_of(connection, session_id, me, lock=True)
            before = conversations.members(connection, session_id)
            added = [user_id for user_id in wanted if user_id not in before]
            if added:
                self._check_room(connection, len(before) + len(added), added)
                conversations.add_members(connection, row, added, now)
            return row, before, added

        row, before, added = await self._runtime.database.write(work)
        return friend_pb2.ChatSessionAddMemberRsp(
            request_id=request.request_id,
            success=True,
            delivery=notices.members_added(_info(row), before, added) if added else [],
        )

    async def remove_member(
        self, request: friend_pb2.ChatSessionRemoveMemberReq
    ) -> friend_pb2.ChatSessionRemoveMemberRsp:
        """The owner removes anyone, everyone removes oneself. The longest-standing member inherits; the last one to leave
        takes the group along."""
        me, target, session_id = request.user_id, request.member_id, request.chat_session_id

        def work(connection: Connection) -> tuple[ConversationRow, list[str]]:
            row = _group_of(connection, session_id, me, lock=True)
            if me not in {target, row.owner_id}:
                raise Refusal("只有群主可以移除其他成员")
            before = conversations.members(connection, session_id)
            if target not in before:
                raise Refusal("该用户不是群成员")
            left = [user_id for user_id in before if user_id != target]
            conversations.remove_member(connection, session_id, target)
            if not left:
                conversations.dissolve(connection, session_id)
            elif row.owner_id == target:
                conversations.set_owner(connection, session_id, left[0])
            return row, left

        row, left = await self._runtime.database.write(work)
        return friend_pb2.ChatSessionRemoveMemberRsp(
            request_id=request.request_id, success=True, delivery=notices.member_removed(_info(row), target, left)
        )

    async def rename(self, request: friend_pb2.RenameChatSessionReq) -> friend_pb2.RenameChatSessionRsp:
        """For the owner."""
        me, session_id = request.user_id, request.chat_session_id
        name = _clean_name(request.chat_session_name)
        if not name:
            raise Refusal("群名称不能为空")

        def work(connection: Connection) -> list[str]:
            if _group_of(connection, session_id, me, lock=True).owner_id != me:
                raise Refusal("只有群主可以修改群名称")
            conversations.rename(connection, session_id, name)
            return conversations.members(connection, session_id)

        members = await self._runtime.database.write(work)
        info = ChatSessionInfo(chat_session_id=session_id, chat_session_name=name)
        return friend_pb2.RenameChatSessionRsp(
            request_id=request.request_id, success=True, delivery=[notices.renamed(info, members)]
        )

    async def get_members(self, request: friend_pb2.GetChatSessionMemberReq) -> friend_pb2.GetChatSessionMemberRsp:
        """For members, of groups and of one-to-one conversations."""

        def work(connection: Connection) -> list[str]:
            if conversations.of_member(connection, request.chat_session_id, request.user_id) is None:
                raise Refusal(_NOT_A_MEMBER)
            return conversations.members(connection, request.chat_session_id)

        members = await self._runtime.database.read(work)
        people = await look_up(self._runtime.clients, members)
        return friend_pb2.GetChatSessionMemberRsp(
            request_id=request.request_id,
            success=True,
            member_info_list=[people[member] for member in members if member in people],
        )

    async def _check_friends(self, me: str, others: Sequence[str]) -> None:
        """Raises Refusal that names who is nobody, or no friend of mine."""
        friends = set(await self._runtime.database.read(lambda connection: relations.friends_of(connection, me)))
        strangers = [user_id for user_id in others if user_id not in friends]
        if not strangers:
            return
        shown = strangers[:_NAMED_AT_MOST]
        people = await look_up(self._runtime.clients, shown, pictures=False)
        unknown = [user_id for user_id in shown if user_id not in people]
        if unknown:
            raise Refusal("用户不存在：" + "、".join(user_id[:NAME_LENGTH] for user_id in unknown))
        raise Refusal("只能邀请自己的好友：" + "、".join(people[user_id].nickname for user_id in shown))

    def _check_room(self, connection: Connection, size: int, newcomers: Sequence[str]) -> None:
        if size > self._max_members:
            raise Refusal(f"群成员不能超过 {self._max_members} 人")
        if conversations.in_too_many_groups(connection, newcomers, self._max_groups):
            raise Refusal(f"有成员加入的群已达上限（{self._max_groups}）")


def _group_of(connection: Connection, chat_session_id: str, user_id: str, *, lock: bool = False) -> ConversationRow:
    row = conversations.of_member(connection, chat_session_id, user_id, lock=lock)
    if row is None:
        raise Refusal(_NOT_A_MEMBER)
    if row.type != GROUP:
        raise Refusal("单聊不能修改成员或名称")
    return row


def _clean_name(name: str) -> str:
    cleaned = name.strip()
    if len(cleaned) > NAME_LENGTH:
        raise Refusal(f"群名称不能超过 {NAME_LENGTH} 个字符")
    if any(letter < " " or letter == "\x7f" for letter in cleaned):
        raise Refusal("群名称含有不允许的字符")
    return cleaned


def _info(row: ConversationRow) -> ChatSessionInfo:
    return ChatSessionInfo(chat_session_id=row.chat_session_id, chat_session_name=row.name)
