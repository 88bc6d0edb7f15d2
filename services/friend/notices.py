"""What clients are told of friendships and groups: pure functions that build deliveries.

Existing clients know five kinds of notification and none for a change in a group. They get FRIEND_REMOVE_NOTIFY with the
conversation's id in place of a person's: it names nobody, so nothing is removed, and they fetch their lists again.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.protocol import notify_pb2 as notify
from services.protocol.base_pb2 import ChatSessionInfo, UserInfo
from services.protocol.gateway_pb2 import ConversationChanged, Delivery, ServerFrame


def applied(event_id: str, applicant: UserInfo, respondent: str) -> Delivery:
    """To the person asked."""
    return Delivery(
        user_id=[respondent],
        notify=notify.NotifyMessage(
            notify_event_id=event_id,
            notify_type=notify.FRIEND_ADD_APPLY_NOTIFY,
            friend_add_apply=notify.NotifyFriendAddApply(user_info=applicant),
        ),
    )


def decided(event_id: str, agree: bool, decider: UserInfo, applicant: str) -> Delivery:
    """To the person who asked."""
    return Delivery(
        user_id=[applicant],
        notify=notify.NotifyMessage(
            notify_event_id=event_id,
            notify_type=notify.FRIEND_ADD_PROCESS_NOTIFY,
            friend_process_result=notify.NotifyFriendAddProcess(agree=agree, user_info=decider),
        ),
    )


def single_session(chat_session_id: str, peer: UserInfo) -> ChatSessionInfo:
    """A one-to-one conversation as the other one than `peer` sees it."""
    return ChatSessionInfo(
        single_chat_friend_id=peer.user_id,
        chat_session_id=chat_session_id,
        chat_session_name=peer.nickname,
        avatar=peer.avatar,
    )


def session_created(info: ChatSessionInfo, members: Sequence[str]) -> Delivery:
    """To people who have a conversation they had not before."""
    return Delivery(
        user_id=members,
        notify=notify.NotifyMessage(
            notify_type=notify.CHAT_SESSION_CREATE_NOTIFY,
            new_chat_session_info=notify.NotifyNewChatSession(chat_session_info=info),
        ),
    )


def friend_removed(remover: str, removed: str) -> Delivery:
    """To the person who was removed."""
    return Delivery(user_id=[removed], notify=_removal(remover))


def conversation_gone(chat_session_id: str, members: Sequence[str]) -> Delivery:
    """To those connections of former members that speak frames."""
    return Delivery(
        user_id=members,
        frame=ServerFrame(conversation=ConversationChanged(chat_session_id=chat_session_id, gone=True)),
    )


def members_added(info: ChatSessionInfo, before: Sequence[str], added: Sequence[str]) -> list[Delivery]:
    """To the new members the group itself, to all of them the change."""
    change = ServerFrame(
        conversation=ConversationChanged(
            chat_session_id=info.chat_session_id, chat_session_name=info.chat_session_name, added_user_id=added
        )
    )
    return [
        session_created(info, added),
        Delivery(user_id=added, frame=change),
        Delivery(user_id=before, frame=change, plain=_removal(info.chat_session_id)),
    ]


def member_removed(info: ChatSessionInfo, removed: str, left: Sequence[str]) -> list[Delivery]:
    """To the one who is gone and to those who stay."""
    change = ConversationChanged(
        chat_session_id=info.chat_session_id, chat_session_name=info.chat_session_name, removed_user_id=[removed]
    )
    gone = ConversationChanged()
    gone.CopyFrom(change)
    gone.gone = True
    plain = _removal(info.chat_session_id)
    deliveries = [Delivery(user_id=[removed], frame=ServerFrame(conversation=gone), plain=plain)]
    if left:
        deliveries.append(Delivery(user_id=left, frame=ServerFrame(conversation=change), plain=plain))
    return deliveries


def renamed(info: ChatSessionInfo, members: Sequence[str]) -> Delivery:
    """To all members."""
    change = ConversationChanged(chat_session_id=info.chat_session_id, chat_session_name=info.chat_session_name)
    return Delivery(user_id=members, frame=ServerFrame(conversation=change), plain=_removal(info.chat_session_id))


def _removal(user_id: str) -> notify.NotifyMessage:
    return notify.NotifyMessage(
        notify_type=notify.FRIEND_REMOVE_NOTIFY, friend_remove=notify.NotifyFriendRemove(user_id=user_id)
    )
