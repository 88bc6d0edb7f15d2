from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReplyStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANSWERED: _ClassVar[ReplyStatus]
    UNAVAILABLE: _ClassVar[ReplyStatus]
    FAILED: _ClassVar[ReplyStatus]
    REFUSED: _ClassVar[ReplyStatus]
ANSWERED: ReplyStatus
UNAVAILABLE: ReplyStatus
FAILED: ReplyStatus
REFUSED: ReplyStatus

class Call(_message.Message):
    __slots__ = ("id", "method", "timeout_ms", "request", "request_id", "trace")
    ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    id: int
    method: str
    timeout_ms: int
    request: bytes
    request_id: str
    trace: str
    def __init__(self, id: _Optional[int] = ..., method: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., request: _Optional[bytes] = ..., request_id: _Optional[str] = ..., trace: _Optional[str] = ...) -> None: ...

class CallBatch(_message.Message):
    __slots__ = ("call", "cancel")
    CALL_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    call: _containers.RepeatedCompositeFieldContainer[Call]
    cancel: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, call: _Optional[_Iterable[_Union[Call, _Mapping]]] = ..., cancel: _Optional[_Iterable[int]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("id", "status", "response", "error", "more")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    id: int
    status: ReplyStatus
    response: bytes
    error: str
    more: bool
    def __init__(self, id: _Optional[int] = ..., status: _Optional[_Union[ReplyStatus, str]] = ..., response: _Optional[bytes] = ..., error: _Optional[str] = ..., more: _Optional[bool] = ...) -> None: ...

class ReplyBatch(_message.Message):
    __slots__ = ("reply", "leaving")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    reply: _containers.RepeatedCompositeFieldContainer[Reply]
    leaving: bool
    def __init__(self, reply: _Optional[_Iterable[_Union[Reply, _Mapping]]] = ..., leaving: _Optional[bool] = ...) -> None: ...
