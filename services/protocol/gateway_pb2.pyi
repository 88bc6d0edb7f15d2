from services.protocol import notify_pb2 as _notify_pb2
from services.protocol import store_pb2 as _store_pb2
from services.protocol import transmit_pb2 as _transmit_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClientAuthenticationReq(_message.Message):
    __slots__ = ("request_id", "session_id", "protocol")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    protocol: int
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., protocol: _Optional[int] = ...) -> None: ...

class ClientAuthenticationRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class ClientFrame(_message.Message):
    __slots__ = ("send", "sync", "mark_read", "ping")
    SEND_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    MARK_READ_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    send: _transmit_pb2.NewMessageReq
    sync: _store_pb2.SyncReq
    mark_read: _store_pb2.MarkReadReq
    ping: Ping
    def __init__(self, send: _Optional[_Union[_transmit_pb2.NewMessageReq, _Mapping]] = ..., sync: _Optional[_Union[_store_pb2.SyncReq, _Mapping]] = ..., mark_read: _Optional[_Union[_store_pb2.MarkReadReq, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ...) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ("welcome", "event", "ack", "sync", "mark_read", "read", "pong", "go_away", "conversation", "transcript", "profile")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    MARK_READ_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    event: Event
    ack: SendAck
    sync: _store_pb2.SyncRsp
    mark_read: _store_pb2.MarkReadRsp
    read: ReadEvent
    pong: Pong
    go_away: GoAway
    conversation: ConversationChanged
    transcript: TranscriptEvent
    profile: ProfileChanged
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., ack: _Optional[_Union[SendAck, _Mapping]] = ..., sync: _Optional[_Union[_store_pb2.SyncRsp, _Mapping]] = ..., mark_read: _Optional[_Union[_store_pb2.MarkReadRsp, _Mapping]] = ..., read: _Optional[_Union[ReadEvent, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., conversation: _Optional[_Union[ConversationChanged, _Mapping]] = ..., transcript: _Optional[_Union[TranscriptEvent, _Mapping]] = ..., profile: _Optional[_Union[ProfileChanged, _Mapping]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("request_id", "user_id", "epoch", "ping_interval_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PING_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    epoch: str
    ping_interval_ms: int
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., epoch: _Optional[str] = ..., ping_interval_ms: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("notify", "seq", "request_id")
    NOTIFY_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    notify: _notify_pb2.NotifyMessage
    seq: int
    request_id: str
    def __init__(self, notify: _Optional[_Union[_notify_pb2.NotifyMessage, _Mapping]] = ..., seq: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class SendAck(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "message_id", "seq", "timestamp", "file_id", "retry_after_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    message_id: str
    seq: int
    timestamp: int
    file_id: str
    retry_after_ms: int
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., message_id: _Optional[str] = ..., seq: _Optional[int] = ..., timestamp: _Optional[int] = ..., file_id: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class ReadEvent(_message.Message):
    __slots__ = ("chat_session_id", "user_id", "read_seq")
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    chat_session_id: str
    user_id: str
    read_seq: int
    def __init__(self, chat_session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., read_seq: _Optional[int] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("reconnect_after_ms",)
    RECONNECT_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    reconnect_after_ms: int
    def __init__(self, reconnect_after_ms: _Optional[int] = ...) -> None: ...

class ConversationChanged(_message.Message):
    __slots__ = ("chat_session_id", "chat_session_name", "added_user_id", "removed_user_id", "gone")
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    ADDED_USER_ID_FIELD_NUMBER: _ClassVar[int]
    REMOVED_USER_ID_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    chat_session_id: str
    chat_session_name: str
    added_user_id: _containers.RepeatedScalarFieldContainer[str]
    removed_user_id: _containers.RepeatedScalarFieldContainer[str]
    gone: bool
    def __init__(self, chat_session_id: _Optional[str] = ..., chat_session_name: _Optional[str] = ..., added_user_id: _Optional[_Iterable[str]] = ..., removed_user_id: _Optional[_Iterable[str]] = ..., gone: _Optional[bool] = ...) -> None: ...

class TranscriptEvent(_message.Message):
    __slots__ = ("chat_session_id", "message_id", "seq", "transcript")
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    chat_session_id: str
    message_id: str
    seq: int
    transcript: str
    def __init__(self, chat_session_id: _Optional[str] = ..., message_id: _Optional[str] = ..., seq: _Optional[int] = ..., transcript: _Optional[str] = ...) -> None: ...

class ProfileChanged(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("user_id", "notify", "frame", "plain", "seq", "request_id", "except_session", "repeat", "except_connection")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PLAIN_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXCEPT_SESSION_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    EXCEPT_CONNECTION_FIELD_NUMBER: _ClassVar[int]
    user_id: _containers.RepeatedScalarFieldContainer[str]
    notify: _notify_pb2.NotifyMessage
    frame: ServerFrame
    plain: _notify_pb2.NotifyMessage
    seq: int
    request_id: str
    except_session: str
    repeat: bool
    except_connection: int
    def __init__(self, user_id: _Optional[_Iterable[str]] = ..., notify: _Optional[_Union[_notify_pb2.NotifyMessage, _Mapping]] = ..., frame: _Optional[_Union[ServerFrame, _Mapping]] = ..., plain: _Optional[_Union[_notify_pb2.NotifyMessage, _Mapping]] = ..., seq: _Optional[int] = ..., request_id: _Optional[str] = ..., except_session: _Optional[str] = ..., repeat: _Optional[bool] = ..., except_connection: _Optional[int] = ...) -> None: ...

class DeliveryBatch(_message.Message):
    __slots__ = ("delivery", "revoked_session", "revoked_user")
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    REVOKED_SESSION_FIELD_NUMBER: _ClassVar[int]
    REVOKED_USER_FIELD_NUMBER: _ClassVar[int]
    delivery: _containers.RepeatedCompositeFieldContainer[Delivery]
    revoked_session: _containers.RepeatedScalarFieldContainer[str]
    revoked_user: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, delivery: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ..., revoked_session: _Optional[_Iterable[str]] = ..., revoked_user: _Optional[_Iterable[str]] = ...) -> None: ...
