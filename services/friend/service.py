"""The friend service as the runtime hosts it: its parts and its handlers by RPC name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.friend.friendship import Friendship
from services.friend.groups import Groups
from services.friend.listing import Listing
from services.runtime.context import Hosted, Runtime


class FriendService:
    name = "friend"

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        friendship = Friendship(runtime, settings.integer("friend", "maxFriends"))
        groups = Groups(runtime, settings.integer("friend", "maxMembers"), settings.integer("friend", "maxGroups"))
        listing = Listing(runtime)
        self.handlers: Mapping[str, Callable[..., Any]] = {
            "GetFriendList": friendship.get_friend_list,
            "FriendSearch": friendship.friend_search,
            "FriendAdd": friendship.friend_add,
            "FriendAddProcess": friendship.friend_add_process,
            "FriendRemove": friendship.friend_remove,
            "GetPendingFriendEventList": friendship.get_pending_friend_event_list,
            "ChatSessionCreate": groups.create,
            "ChatSessionAddMember": groups.add_members,
            "ChatSessionRemoveMember": groups.remove_member,
            "RenameChatSession": groups.rename,
            "GetChatSessionMember": groups.get_members,
            "GetChatSessionList": listing.get_chat_session_list,
            "GetConversations": listing.get_conversations,
        }

    async def start(self) -> None:
        """Nothing runs in the background."""

    async def drain(self) -> None:
        """Every call is finished by the RPC layer before this."""

    async def stop(self) -> None:
        """Holds nothing of its own: the stores are the runtime's."""


def create(runtime: Runtime) -> Hosted:
    return FriendService(runtime)
