"""Every HTTP operation, as one table: the path, and the method of the service that answers it.

The first thirty are those of existing clients and never change; those below them are the extension (docs/protocol.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.runtime.rpc import DESCRIPTORS


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `authenticated`: the request must carry a valid login session. `timeout` in seconds bounds a call to
    another process. `strip` names internal fields of the response. `send`: the operation is the sending of a message. `carries_content`:
    the request may be as large as a file."""

    path: str
    service: str
    method: str
    request_type: Callable[[], Any]
    response_type: Callable[..., Any]
    authenticated: bool
    timeout: float
    strip: tuple[str, ...]
    send: bool
    carries_content: bool


INTERNAL_FIELDS: dict[str, tuple[str, ...]] = {
    "ChatSessionCreateRsp": ("chat_session_info",),
    "MarkReadRsp": ("member_id", "advanced"),
}
"""Response fields that clients never see, beside `delivery`."""


CARRY_CONTENT = {"NewMessage", "PutSingleFile", "PutMultiFile", "SetUserAvatar", "SpeechRecognition"}


def _route(path: str, method: str, *, authenticated: bool = True, timeout: float = 10.0) -> Route:
    service = SERVICE_OF_FOLDER[path.split("/")[2]]
    if method == "NewMessage":  # the client's answer is less than what transmit's Send returns
        from services.protocol.transmit_pb2 import NewMessageReq, NewMessageRsp

        return Route(path, service, "Send", NewMessageReq, NewMessageRsp, True, timeout, (), True, True)
    described = DESCRIPTORS[service].methods_by_name[method]
    strip = INTERNAL_FIELDS.get(described.output_type.name, ())
    if "delivery" in described.output_type.fields_by_name:
        strip = (*strip, "delivery")
    return Route(
        path=path,
        service=service,
        method=method,
        request_type=described.input_type._concrete_class,
        response_type=described.output_type._concrete_class,
        authenticated=authenticated,
        timeout=timeout,
        strip=strip,
        send=False,
        carries_content=method in CARRY_CONTENT,
    )


SERVICE_OF_FOLDER = {
    "user": "user",
    "friend": "friend",
    "message_storage": "store",
    "message_transmit": "transmit",
    "file": "file",
    "speech": "speech",
}

ORIGINAL: tuple[Route, ...] = (
    _route("/service/user/get_phone_verify_code", "GetPhoneVerifyCode", authenticated=False),
    _route("/service/user/username_register", "UserRegister", authenticated=False),
    _route("/service/user/username_login", "UserLogin", authenticated=False),
    _route("/service/user/phone_register", "PhoneRegister", authenticated=False),
    _route("/service/user/phone_login", "PhoneLogin", authenticated=False),
    _route("/service/user/get_user_info", "GetUserInfo"),
    _route("/service/user/set_avatar", "SetUserAvatar", timeout=30.0),
    _route("/service/user/set_nickname", "SetUserNickname"),
    _route("/service/user/set_description", "SetUserDescription"),
    _route("/service/user/set_phone", "SetUserPhoneNumber"),
    _route("/service/friend/get_friend_list", "GetFriendList"),
    _route("/service/friend/add_friend_apply", "FriendAdd"),
    _route("/service/friend/add_friend_process", "FriendAddProcess"),
    _route("/service/friend/remove_friend", "FriendRemove"),
    _route("/service/friend/search_friend", "FriendSearch"),
    _route("/service/friend/get_pending_friend_events", "GetPendingFriendEventList"),
    _route("/service/friend/get_chat_session_list", "GetChatSessionList"),
    _route("/service/friend/create_chat_session", "ChatSessionCreate"),
    _route("/service/friend/get_chat_session_member", "GetChatSessionMember"),
    _route("/service/friend/chat_session_add_member", "ChatSessionAddMember"),
    _route("/service/friend/chat_session_remove_member", "ChatSessionRemoveMember"),
    _route("/service/message_storage/get_history", "GetHistoryMsg", timeout=60.0),
    _route("/service/message_storage/get_recent", "GetRecentMsg", timeout=30.0),
    _route("/service/message_storage/search_history", "MsgSearch"),
    _route("/service/message_transmit/new_message", "NewMessage", timeout=30.0),
    _route("/service/file/get_single_file", "GetSingleFile", timeout=60.0),
    _route("/service/file/get_multi_file", "GetMultiFile", timeout=60.0),
    _route("/service/file/put_single_file", "PutSingleFile", timeout=60.0),
    _route("/service/file/put_multi_file", "PutMultiFile", timeout=60.0),
    _route("/service/speech/recognition", "SpeechRecognition", timeout=120.0),
)

EXTENSION: tuple[Route, ...] = (
    _route("/service/user/logout", "Logout"),
    _route("/service/user/change_password", "ChangePassword"),
    _route("/service/friend/get_conversations", "GetConversations"),
    _route("/service/friend/rename_chat_session", "RenameChatSession"),
    _route("/service/message_storage/sync", "Sync", timeout=30.0),
    _route("/service/message_storage/mark_read", "MarkRead"),
    _route("/service/message_storage/get_page", "GetPage"),
    _route("/service/message_storage/search_messages", "SearchMessages"),
)

ROUTES: dict[str, Route] = {route.path: route for route in (*ORIGINAL, *EXTENSION)}

SEND = ROUTES["/service/message_transmit/new_message"]
SYNC = ROUTES["/service/message_storage/sync"]
MARK_READ = ROUTES["/service/message_storage/mark_read"]
