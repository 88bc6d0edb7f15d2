from services.protocol import base_pb2 as _base_pb2
from services.protocol import gateway_pb2 as _gateway_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetFriendListReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ...) -> None: ...

class GetFriendListRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "friend_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    FRIEND_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    friend_list: _containers.RepeatedCompositeFieldContainer[_base_pb2.UserInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., friend_list: _Optional[_Iterable[_Union[_base_pb2.UserInfo, _Mapping]]] = ...) -> None: ...

class FriendRemoveReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "peer_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    peer_id: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., peer_id: _Optional[str] = ...) -> None: ...

class FriendRemoveRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class FriendAddReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "respondent_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONDENT_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    respondent_id: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., respondent_id: _Optional[str] = ...) -> None: ...

class FriendAddRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "notify_event_id", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    notify_event_id: str
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., notify_event_id: _Optional[str] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class FriendAddProcessReq(_message.Message):
    __slots__ = ("request_id", "notify_event_id", "agree", "apply_user_id", "session_id", "user_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    AGREE_FIELD_NUMBER: _ClassVar[int]
    APPLY_USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    notify_event_id: str
    agree: bool
    apply_user_id: str
    session_id: str
    user_id: str
    def __init__(self, request_id: _Optional[str] = ..., notify_event_id: _Optional[str] = ..., agree: _Optional[bool] = ..., apply_user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class FriendAddProcessRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "new_session_id", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    NEW_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    new_session_id: str
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., new_session_id: _Optional[str] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class FriendEvent(_message.Message):
    __slots__ = ("event_id", "sender")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    sender: _base_pb2.UserInfo
    def __init__(self, event_id: _Optional[str] = ..., sender: _Optional[_Union[_base_pb2.UserInfo, _Mapping]] = ...) -> None: ...

class GetPendingFriendEventListReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class GetPendingFriendEventListRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "event")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    event: _containers.RepeatedCompositeFieldContainer[FriendEvent]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., event: _Optional[_Iterable[_Union[FriendEvent, _Mapping]]] = ...) -> None: ...

class FriendSearchReq(_message.Message):
    __slots__ = ("request_id", "search_key", "session_id", "user_id", "limit", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCH_KEY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    search_key: str
    session_id: str
    user_id: str
    limit: int
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., search_key: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class FriendSearchRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "user_info", "next_page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    USER_INFO_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    user_info: _containers.RepeatedCompositeFieldContainer[_base_pb2.UserInfo]
    next_page_token: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., user_info: _Optional[_Iterable[_Union[_base_pb2.UserInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetChatSessionListReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class GetChatSessionListRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "chat_session_info_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_INFO_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    chat_session_info_list: _containers.RepeatedCompositeFieldContainer[_base_pb2.ChatSessionInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., chat_session_info_list: _Optional[_Iterable[_Union[_base_pb2.ChatSessionInfo, _Mapping]]] = ...) -> None: ...

class ChatSessionCreateReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "chat_session_name", "member_id_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    chat_session_name: str
    member_id_list: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., chat_session_name: _Optional[str] = ..., member_id_list: _Optional[_Iterable[str]] = ...) -> None: ...

class ChatSessionCreateRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "chat_session_info", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_INFO_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    chat_session_info: _base_pb2.ChatSessionInfo
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., chat_session_info: _Optional[_Union[_base_pb2.ChatSessionInfo, _Mapping]] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class GetChatSessionMemberReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "chat_session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    chat_session_id: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ...) -> None: ...

class GetChatSessionMemberRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "member_info_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MEMBER_INFO_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    member_info_list: _containers.RepeatedCompositeFieldContainer[_base_pb2.UserInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., member_info_list: _Optional[_Iterable[_Union[_base_pb2.UserInfo, _Mapping]]] = ...) -> None: ...

class ChatSessionAddMemberReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "chat_session_id", "member_id_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    chat_session_id: str
    member_id_list: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., member_id_list: _Optional[_Iterable[str]] = ...) -> None: ...

class ChatSessionAddMemberRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class ChatSessionRemoveMemberReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "chat_session_id", "member_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    chat_session_id: str
    member_id: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., member_id: _Optional[str] = ...) -> None: ...

class ChatSessionRemoveMemberRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class RenameChatSessionReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "chat_session_id", "chat_session_name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    chat_session_id: str
    chat_session_name: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., chat_session_name: _Optional[str] = ...) -> None: ...

class RenameChatSessionRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "delivery")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    delivery: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Delivery]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., delivery: _Optional[_Iterable[_Union[_gateway_pb2.Delivery, _Mapping]]] = ...) -> None: ...

class GetConversationsReq(_message.Message):
    __slots__ = ("request_id", "session_id", "user_id", "limit", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    user_id: str
    limit: int
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Conversation(_message.Message):
    __slots__ = ("info", "last_seq", "read_seq", "unread", "member_count", "owner_id", "prev_message_seq", "prev_message_transcript")
    INFO_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    PREV_MESSAGE_SEQ_FIELD_NUMBER: _ClassVar[int]
    PREV_MESSAGE_TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    info: _base_pb2.ChatSessionInfo
    last_seq: int
    read_seq: int
    unread: int
    member_count: int
    owner_id: str
    prev_message_seq: int
    prev_message_transcript: str
    def __init__(self, info: _Optional[_Union[_base_pb2.ChatSessionInfo, _Mapping]] = ..., last_seq: _Optional[int] = ..., read_seq: _Optional[int] = ..., unread: _Optional[int] = ..., member_count: _Optional[int] = ..., owner_id: _Optional[str] = ..., prev_message_seq: _Optional[int] = ..., prev_message_transcript: _Optional[str] = ...) -> None: ...

class GetConversationsRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "conversation", "next_page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    conversation: _containers.RepeatedCompositeFieldContainer[Conversation]
    next_page_token: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., conversation: _Optional[_Iterable[_Union[Conversation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
