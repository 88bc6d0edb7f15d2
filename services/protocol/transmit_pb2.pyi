from services.protocol import base_pb2 as _base_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NewMessageReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "chat_session_id", "message")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    chat_session_id: str
    message: _base_pb2.MessageContent
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., message: _Optional[_Union[_base_pb2.MessageContent, _Mapping]] = ...) -> None: ...

class NewMessageRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class SendRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "message", "seq", "member_id", "duplicate", "retry_after_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    message: _base_pb2.MessageInfo
    seq: int
    member_id: _containers.RepeatedScalarFieldContainer[str]
    duplicate: bool
    retry_after_ms: int
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., message: _Optional[_Union[_base_pb2.MessageInfo, _Mapping]] = ..., seq: _Optional[int] = ..., member_id: _Optional[_Iterable[str]] = ..., duplicate: _Optional[bool] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...
