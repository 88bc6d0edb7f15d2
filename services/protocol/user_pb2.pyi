from services.protocol import base_pb2 as _base_pb2
from services.protocol import gateway_pb2 as _gateway_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANY_PURPOSE: _ClassVar[VerifyPurpose]
    REGISTER: _ClassVar[VerifyPurpose]
    LOGIN: _ClassVar[VerifyPurpose]
    SET_PHONE: _ClassVar[VerifyPurpose]
ANY_PURPOSE: VerifyPurpose
REGISTER: VerifyPurpose
LOGIN: VerifyPurpose
SET_PHONE: VerifyPurpose

class PhoneVerifyCodeReq(_message.Message):
    __slots__ = ("request_id", "phone_number", "purpose")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    phone_number: str
    purpose: VerifyPurpose
    def __init__(self, request_id: _Optional[str] = ..., phone_number: _Optional[str] = ..., purpose: _Optional[_Union[VerifyPurpose, str]] = ...) -> None: ...

class PhoneVerifyCodeRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "verify_code_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    verify_code_id: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., verify_code_id: _Optional[str] = ...) -> None: ...

class UserRegisterReq(_message.Message):
    __slots__ = ("request_id", "nickname", "password", "verify_code_id", "verify_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    nickname: str
    password: str
    verify_code_id: str
    verify_code: str
    def __init__(self, request_id: _Optional[str] = ..., nickname: _Optional[str] = ..., password: _Optional[str] = ..., verify_code_id: _Optional[str] = ..., verify_code: _Optional[str] = ...) -> None: ...

class UserRegisterRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class UserLoginReq(_message.Message):
    __slots__ = ("request_id", "nickname", "password", "verify_code_id", "verify_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    nickname: str
    password: str
    verify_code_id: str
    verify_code: str
    def __init__(self, request_id: _Optional[str] = ..., nickname: _Optional[str] = ..., password: _Optional[str] = ..., verify_code_id: _Optional[str] = ..., verify_code: _Optional[str] = ...) -> None: ...

class UserLoginRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "login_session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    LOGIN_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    login_session_id: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., login_session_id: _Optional[str] = ...) -> None: ...

class PhoneRegisterReq(_message.Message):
    __slots__ = ("request_id", "phone_number", "verify_code_id", "verify_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    phone_number: str
    verify_code_id: str
    verify_code: str
    def __init__(self, request_id: _Optional[str] = ..., phone_number: _Optional[str] = ..., verify_code_id: _Optional[str] = ..., verify_code: _Optional[str] = ...) -> None: ...

class PhoneRegisterRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class PhoneLoginReq(_message.Message):
    __slots__ = ("request_id", "phone_number", "verify_code_id", "verify_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    phone_number: str
    verify_code_id: str
    verify_code: str
    def __init__(self, request_id: _Optional[str] = ..., phone_number: _Optional[str] = ..., verify_code_id: _Optional[str] = ..., verify_code: _Optional[str] = ...) -> None: ...

class PhoneLoginRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "login_session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    LOGIN_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    login_session_id: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., login_session_id: _Optional[str] = ...) -> None: ...

class GetUserInfoReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ...) -> None: ...

class GetUserInfoRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "user_info")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    USER_INFO_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    user_info: _base_pb2.UserInfo
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., user_info: _Optional[_Union[_base_pb2.UserInfo, _Mapping]] = ...) -> None: ...

class GetMultiUserInfoReq(_message.Message):
    __slots__ = ("request_id", "users_id", "with_private", "without_avatar")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USERS_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_AVATAR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    users_id: _containers.RepeatedScalarFieldContainer[str]
    with_private: bool
    without_avatar: bool
    def __init__(self, request_id: _Optional[str] = ..., users_id: _Optional[_Iterable[str]] = ..., with_private: _Optional[bool] = ..., without_avatar: _Optional[bool] = ...) -> None: ...

class GetMultiUserInfoRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "users_info")
    class UsersInfoEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _base_pb2.UserInfo
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_base_pb2.UserInfo, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    USERS_INFO_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    users_info: _containers.MessageMap[str, _base_pb2.UserInfo]
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., users_info: _Optional[_Mapping[str, _base_pb2.UserInfo]] = ...) -> None: ...

class SetUserAvatarReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "avatar")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    avatar: bytes
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., avatar: _Optional[bytes] = ...) -> None: ...

class SetUserAvatarRsp(_message.Message):
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

class SetUserNicknameReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "nickname")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    nickname: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., nickname: _Optional[str] = ...) -> None: ...

class SetUserNicknameRsp(_message.Message):
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

class SetUserDescriptionReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "description")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    description: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class SetUserDescriptionRsp(_message.Message):
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

class SetUserPhoneNumberReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "phone_number", "phone_verify_code_id", "phone_verify_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PHONE_VERIFY_CODE_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_VERIFY_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    phone_number: str
    phone_verify_code_id: str
    phone_verify_code: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., phone_number: _Optional[str] = ..., phone_verify_code_id: _Optional[str] = ..., phone_verify_code: _Optional[str] = ...) -> None: ...

class SetUserPhoneNumberRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class ValidateSessionReq(_message.Message):
    __slots__ = ("request_id", "session_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ...) -> None: ...

class ValidateSessionRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg", "user_id", "expires_at")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    user_id: str
    expires_at: int
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ..., user_id: _Optional[str] = ..., expires_at: _Optional[int] = ...) -> None: ...

class LogoutReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "everywhere")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EVERYWHERE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    everywhere: bool
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., everywhere: _Optional[bool] = ...) -> None: ...

class LogoutRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class ChangePasswordReq(_message.Message):
    __slots__ = ("request_id", "user_id", "session_id", "old_password", "new_password")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OLD_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    NEW_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    user_id: str
    session_id: str
    old_password: str
    new_password: str
    def __init__(self, request_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., old_password: _Optional[str] = ..., new_password: _Optional[str] = ...) -> None: ...

class ChangePasswordRsp(_message.Message):
    __slots__ = ("request_id", "success", "errmsg")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERRMSG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: bool
    errmsg: str
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[bool] = ..., errmsg: _Optional[str] = ...) -> None: ...

class FindUsersReq(_message.Message):
    __slots__ = ("request_id", "search_key", "exclude_user_id", "limit", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCH_KEY_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_USER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    search_key: str
    exclude_user_id: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., search_key: _Optional[str] = ..., exclude_user_id: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class FindUsersRsp(_message.Message):
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
