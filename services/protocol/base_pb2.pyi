from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MessageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRING: _ClassVar[MessageType]
    IMAGE: _ClassVar[MessageType]
    FILE: _ClassVar[MessageType]
    SPEECH: _ClassVar[MessageType]
STRING: MessageType
IMAGE: MessageType
FILE: MessageType
SPEECH: MessageType

class UserInfo(_message.Message):
    __slots__ = ("user_id", "nickname", "description", "phone", "avatar")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    nickname: str
    description: str
    phone: str
    avatar: bytes
    def __init__(self, user_id: _Optional[str] = ..., nickname: _Optional[str] = ..., description: _Optional[str] = ..., phone: _Optional[str] = ..., avatar: _Optional[bytes] = ...) -> None: ...

class ChatSessionInfo(_message.Message):
    __slots__ = ("single_chat_friend_id", "chat_session_id", "chat_session_name", "prev_message", "avatar")
    SINGLE_CHAT_FRIEND_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_NAME_FIELD_NUMBER: _ClassVar[int]
    PREV_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    single_chat_friend_id: str
    chat_session_id: str
    chat_session_name: str
    prev_message: MessageInfo
    avatar: bytes
    def __init__(self, single_chat_friend_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., chat_session_name: _Optional[str] = ..., prev_message: _Optional[_Union[MessageInfo, _Mapping]] = ..., avatar: _Optional[bytes] = ...) -> None: ...

class StringMessageInfo(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: str
    def __init__(self, content: _Optional[str] = ...) -> None: ...

class ImageMessageInfo(_message.Message):
    __slots__ = ("file_id", "image_content")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    image_content: bytes
    def __init__(self, file_id: _Optional[str] = ..., image_content: _Optional[bytes] = ...) -> None: ...

class FileMessageInfo(_message.Message):
    __slots__ = ("file_id", "file_size", "file_name", "file_contents")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_CONTENTS_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    file_size: int
    file_name: str
    file_contents: bytes
    def __init__(self, file_id: _Optional[str] = ..., file_size: _Optional[int] = ..., file_name: _Optional[str] = ..., file_contents: _Optional[bytes] = ...) -> None: ...

class SpeechMessageInfo(_message.Message):
    __slots__ = ("file_id", "file_contents")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_CONTENTS_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    file_contents: bytes
    def __init__(self, file_id: _Optional[str] = ..., file_contents: _Optional[bytes] = ...) -> None: ...

class MessageContent(_message.Message):
    __slots__ = ("message_type", "string_message", "file_message", "speech_message", "image_message")
    MESSAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    STRING_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FILE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SPEECH_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message_type: MessageType
    string_message: StringMessageInfo
    file_message: FileMessageInfo
    speech_message: SpeechMessageInfo
    image_message: ImageMessageInfo
    def __init__(self, message_type: _Optional[_Union[MessageType, str]] = ..., string_message: _Optional[_Union[StringMessageInfo, _Mapping]] = ..., file_message: _Optional[_Union[FileMessageInfo, _Mapping]] = ..., speech_message: _Optional[_Union[SpeechMessageInfo, _Mapping]] = ..., image_message: _Optional[_Union[ImageMessageInfo, _Mapping]] = ...) -> None: ...

class MessageInfo(_message.Message):
    __slots__ = ("message_id", "chat_session_id", "timestamp", "sender", "message")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    chat_session_id: str
    timestamp: int
    sender: UserInfo
    message: MessageContent
    def __init__(self, message_id: _Optional[str] = ..., chat_session_id: _Optional[str] = ..., timestamp: _Optional[int] = ..., sender: _Optional[_Union[UserInfo, _Mapping]] = ..., message: _Optional[_Union[MessageContent, _Mapping]] = ...) -> None: ...

class FileDownloadData(_message.Message):
    __slots__ = ("file_id", "file_content")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    file_content: bytes
    def __init__(self, file_id: _Optional[str] = ..., file_content: _Optional[bytes] = ...) -> None: ...

class FileUploadData(_message.Message):
    __slots__ = ("file_name", "file_size", "file_content")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_FIELD_NUMBER: _ClassVar[int]
    FILE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    file_size: int
    file_content: bytes
    def __init__(self, file_name: _Optional[str] = ..., file_size: _Optional[int] = ..., file_content: _Optional[bytes] = ...) -> None: ...
