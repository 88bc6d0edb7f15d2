from services.protocol import base_pb2 as _base_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetSingleFileReq(_message.Message):
    __slots__ = ("request_id", "file_id", "user_id", "session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file_id: str
    user_id: str
    session_id: str
    def __init__(self, request_id: _Optional[str] = ..., file_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ...) -> None: ...

class GetSingleFileRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "file_data")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    FILE_DATA_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    file_data: _base_pb2.FileDownloadData
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., file_data: _Optional[_Union[_base_pb2.FileDownloadData, _Mapping]] = ...) -> None: ...

class GetMultiFileReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "file_id_list")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_LIST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    file_id_list: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., file_id_list: _Optional[_Iterable[str]] = ...) -> None: ...

class GetMultiFileRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "file_data")
    class FileDataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _base_pb2.FileDownloadData
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_base_pb2.FileDownloadData, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    FILE_DATA_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    file_data: _containers.MessageMap[str, _base_pb2.FileDownloadData]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., file_data: _Optional[_Mapping[str, _base_pb2.FileDownloadData]] = ...) -> None: ...

class PutSingleFileReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "file_data")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_DATA_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    file_data: _base_pb2.FileUploadData
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., file_data: _Optional[_Union[_base_pb2.FileUploadData, _Mapping]] = ...) -> None: ...

class PutSingleFileRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "file_info")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    FILE_INFO_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    file_info: _base_pb2.FileMessageInfo
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., file_info: _Optional[_Union[_base_pb2.FileMessageInfo, _Mapping]] = ...) -> None: ...

class PutMultiFileReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "file_data")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_DATA_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    file_data: _containers.RepeatedCompositeFieldContainer[_base_pb2.FileUploadData]
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., file_data: _Optional[_Iterable[_Union[_base_pb2.FileUploadData, _Mapping]]] = ...) -> None: ...

class PutMultiFileRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "file_info")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    FILE_INFO_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    file_info: _containers.RepeatedCompositeFieldContainer[_base_pb2.FileMessageInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., file_info: _Optional[_Iterable[_Union[_base_pb2.FileMessageInfo, _Mapping]]] = ...) -> None: ...

class ReadFilesReq(_message.Message):
    __slots__ = ("request_id", "file_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file_id: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., file_id: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadFilesRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "content")
    class ContentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    content: _containers.ScalarMap[str, bytes]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., content: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class StoreFileReq(_message.Message):
    __slots__ = ("request_id", "user_id", "file_name", "content")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    file_name: str
    content: bytes
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., file_name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class StoreFileRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "file_id", "file_size")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    file_id: str
    file_size: int
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., file_id: _Optional[str] = ..., file_size: _Optional[int] = ...) -> None: ...

class DeleteFilesReq(_message.Message):
    __slots__ = ("request_id", "file_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file_id: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., file_id: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteFilesRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...
