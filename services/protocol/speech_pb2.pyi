from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class SpeechRecognitionReq(_message.Message):
    __slots__ = ("request_id", "speech_content", "user_id", "session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SPEECH_CONTENT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    speech_content: bytes
    user_id: str
    session_id: str
    def __init__(self, request_id: _Optional[str] = ..., speech_content: _Optional[bytes] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ...) -> None: ...

class SpeechRecognitionRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "recognition_result", "retry_after_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    RECOGNITION_RESULT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    recognition_result: str
    retry_after_ms: int
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., recognition_result: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...
