from services.protocol import base_pb2 as _base_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetHistoryMsgReq(_message.Message):
    __slots__ = ("request_id", "chat_session_id", "start_time", "over_time", "user_id", "session_id", "exclude_file_content")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    OVER_TIME_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FILE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    chat_session_id: str
    start_time: int
    over_time: int
    user_id: str
    session_id: str
    exclude_file_content: bool
    def __init__(self, request_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., start_time: _Optional[int] = ..., over_time: _Optional[int] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., exclude_file_content: _Optional[bool] = ...) -> None: ...

class GetHistoryMsgRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "msg_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MSG_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    msg_list: _containers.RepeatedCompositeFieldContainer[_base_pb2.MessageInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., msg_list: _Optional[_Iterable[_Union[_base_pb2.MessageInfo, _Mapping]]] = ...) -> None: ...

class GetRecentMsgReq(_message.Message):
    __slots__ = ("request_id", "chat_session_id", "msg_count", "cur_time", "user_id", "session_id", "exclude_file_content")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MSG_COUNT_FIELD_NUMBER: _ClassVar[int]
    CUR_TIME_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FILE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    chat_session_id: str
    msg_count: int
    cur_time: int
    user_id: str
    session_id: str
    exclude_file_content: bool
    def __init__(self, request_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., msg_count: _Optional[int] = ..., cur_time: _Optional[int] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., exclude_file_content: _Optional[bool] = ...) -> None: ...

class GetRecentMsgRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "msg_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MSG_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    msg_list: _containers.RepeatedCompositeFieldContainer[_base_pb2.MessageInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., msg_list: _Optional[_Iterable[_Union[_base_pb2.MessageInfo, _Mapping]]] = ...) -> None: ...

class MsgSearchReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "chat_session_id", "search_key")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCH_KEY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    chat_session_id: str
    search_key: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., search_key: _Optional[str] = ...) -> None: ...

class MsgSearchRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "msg_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MSG_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    msg_list: _containers.RepeatedCompositeFieldContainer[_base_pb2.MessageInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., msg_list: _Optional[_Iterable[_Union[_base_pb2.MessageInfo, _Mapping]]] = ...) -> None: ...

class SequencedMessage(_message.Message):
    __slots__ = ("info", "seq", "request_id", "transcript")
    INFO_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    info: _base_pb2.MessageInfo
    seq: int
    request_id: str
    transcript: str
    def __init__(self, info: _Optional[_Union[_base_pb2.MessageInfo, _Mapping]] = ..., seq: _Optional[int] = ..., request_id: _Optional[str] = ..., transcript: _Optional[str] = ...) -> None: ...

class Cursor(_message.Message):
    __slots__ = ("chat_session_id", "seq")
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    chat_session_id: str
    seq: int
    def __init__(self, chat_session_id: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class SyncReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "epoch", "cursor", "limit")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    epoch: str
    cursor: _containers.RepeatedCompositeFieldContainer[Cursor]
    limit: int
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., epoch: _Optional[str] = ..., cursor: _Optional[_Iterable[_Union[Cursor, _Mapping]]] = ..., limit: _Optional[int] = ...) -> None: ...

class ConversationDelta(_message.Message):
    __slots__ = ("chat_session_id", "message", "last_seq", "read_seq", "unread", "contiguous")
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    CONTIGUOUS_FIELD_NUMBER: _ClassVar[int]
    chat_session_id: str
    message: _containers.RepeatedCompositeFieldContainer[SequencedMessage]
    last_seq: int
    read_seq: int
    unread: int
    contiguous: bool
    def __init__(self, chat_session_id: _Optional[str] = ..., message: _Optional[_Iterable[_Union[SequencedMessage, _Mapping]]] = ..., last_seq: _Optional[int] = ..., read_seq: _Optional[int] = ..., unread: _Optional[int] = ..., contiguous: _Optional[bool] = ...) -> None: ...

class SyncRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "epoch", "delta", "complete", "gone")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    epoch: str
    delta: _containers.RepeatedCompositeFieldContainer[ConversationDelta]
    complete: bool
    gone: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., epoch: _Optional[str] = ..., delta: _Optional[_Iterable[_Union[ConversationDelta, _Mapping]]] = ..., complete: _Optional[bool] = ..., gone: _Optional[_Iterable[str]] = ...) -> None: ...

class MarkReadReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "chat_session_id", "seq")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    chat_session_id: str
    seq: int
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class MarkReadRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "chat_session_id", "read_seq", "unread", "member_id", "advanced")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    ADVANCED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    chat_session_id: str
    read_seq: int
    unread: int
    member_id: _containers.RepeatedScalarFieldContainer[str]
    advanced: bool
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., read_seq: _Optional[int] = ..., unread: _Optional[int] = ..., member_id: _Optional[_Iterable[str]] = ..., advanced: _Optional[bool] = ...) -> None: ...

class GetPageReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "chat_session_id", "before_seq", "limit", "around_seq")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AROUND_SEQ_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    chat_session_id: str
    before_seq: int
    limit: int
    around_seq: int
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., before_seq: _Optional[int] = ..., limit: _Optional[int] = ..., around_seq: _Optional[int] = ...) -> None: ...

class GetPageRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "message", "more")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    message: _containers.RepeatedCompositeFieldContainer[SequencedMessage]
    more: bool
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., message: _Optional[_Iterable[_Union[SequencedMessage, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class SearchMessagesReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "search_key", "chat_session_id", "limit", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCH_KEY_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    search_key: str
    chat_session_id: str
    limit: int
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., search_key: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchMessagesRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "message", "next_page_token", "degraded")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    message: _containers.RepeatedCompositeFieldContainer[SequencedMessage]
    next_page_token: str
    degraded: bool
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., message: _Optional[_Iterable[_Union[SequencedMessage, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., degraded: _Optional[bool] = ...) -> None: ...

class GetLastMessagesReq(_message.Message):
    __slots__ = ("request_id", "chat_session_id", "with_file_content")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_FILE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    chat_session_id: _containers.RepeatedScalarFieldContainer[str]
    with_file_content: bool
    def __init__(self, request_id: _Optional[str] = ..., chat_session_id: _Optional[_Iterable[str]] = ..., with_file_content: _Optional[bool] = ...) -> None: ...

class GetLastMessagesRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "message")
    class MessageEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: SequencedMessage
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[SequencedMessage, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    message: _containers.MessageMap[str, SequencedMessage]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., message: _Optional[_Mapping[str, SequencedMessage]] = ...) -> None: ...
