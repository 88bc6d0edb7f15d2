from services.protocol import base_pb2 as _base_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NotifyType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FRIEND_ADD_APPLY_NOTIFY: _ClassVar[NotifyType]
    FRIEND_ADD_PROCESS_NOTIFY: _ClassVar[NotifyType]
    CHAT_SESSION_CREATE_NOTIFY: _ClassVar[NotifyType]
    CHAT_MESSAGE_NOTIFY: _ClassVar[NotifyType]
    FRIEND_REMOVE_NOTIFY: _ClassVar[NotifyType]
FRIEND_ADD_APPLY_NOTIFY: NotifyType
FRIEND_ADD_PROCESS_NOTIFY: NotifyType
CHAT_SESSION_CREATE_NOTIFY: NotifyType
CHAT_MESSAGE_NOTIFY: NotifyType
FRIEND_REMOVE_NOTIFY: NotifyType

class NotifyFriendAddApply(_message.Message):
    __slots__ = ("user_info",)
    USER_INFO_FIELD_NUMBER: _ClassVar[int]
    user_info: _base_pb2.UserInfo
    def __init__(self, user_info: _Optional[_Union[_base_pb2.UserInfo, _Mapping]] = ...) -> None: ...

class NotifyFriendAddProcess(_message.Message):
    __slots__ = ("agree", "user_info")
    AGREE_FIELD_NUMBER: _ClassVar[int]
    USER_INFO_FIELD_NUMBER: _ClassVar[int]
    agree: bool
    user_info: _base_pb2.UserInfo
    def __init__(self, agree: _Optional[bool] = ..., user_info: _Optional[_Union[_base_pb2.UserInfo, _Mapping]] = ...) -> None: ...

class NotifyFriendRemove(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class NotifyNewChatSession(_message.Message):
    __slots__ = ("chat_session_info",)
    CHAT_SESSION_INFO_FIELD_NUMBER: _ClassVar[int]
    chat_session_info: _base_pb2.ChatSessionInfo
    def __init__(self, chat_session_info: _Optional[_Union[_base_pb2.ChatSessionInfo, _Mapping]] = ...) -> None: ...

class NotifyNewMessage(_message.Message):
    __slots__ = ("message_info",)
    MESSAGE_INFO_FIELD_NUMBER: _ClassVar[int]
    message_info: _base_pb2.MessageInfo
    def __init__(self, message_info: _Optional[_Union[_base_pb2.MessageInfo, _Mapping]] = ...) -> None: ...

class NotifyMessage(_message.Message):
    __slots__ = ("notify_event_id", "notify_type", "friend_add_apply", "friend_process_result", "new_chat_session_info", "new_message_info", "friend_remove")
    NOTIFY_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_TYPE_FIELD_NUMBER: _ClassVar[int]
    FRIEND_ADD_APPLY_FIELD_NUMBER: _ClassVar[int]
    FRIEND_PROCESS_RESULT_FIELD_NUMBER: _ClassVar[int]
    NEW_CHAT_SESSION_INFO_FIELD_NUMBER: _ClassVar[int]
    NEW_MESSAGE_INFO_FIELD_NUMBER: _ClassVar[int]
    FRIEND_REMOVE_FIELD_NUMBER: _ClassVar[int]
    notify_event_id: str
    notify_type: NotifyType
    friend_add_apply: NotifyFriendAddApply
    friend_process_result: NotifyFriendAddProcess
    new_chat_session_info: NotifyNewChatSession
    new_message_info: NotifyNewMessage
    friend_remove: NotifyFriendRemove
    def __init__(self, notify_event_id: _Optional[str] = ..., notify_type: _Optional[_Union[NotifyType, str]] = ..., friend_add_apply: _Optional[_Union[NotifyFriendAddApply, _Mapping]] = ..., friend_process_result: _Optional[_Union[NotifyFriendAddProcess, _Mapping]] = ..., new_chat_session_info: _Optional[_Union[NotifyNewChatSession, _Mapping]] = ..., new_message_info: _Optional[_Union[NotifyNewMessage, _Mapping]] = ..., friend_remove: _Optional[_Union[NotifyFriendRemove, _Mapping]] = ...) -> None: ...
