"""Every HTTP operation as a client knows it: path, messages, and whether a login session is needed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    path: str
    request: str
    response: str
    authenticated: bool = True

    @property
    def name(self) -> str:
        """The last segment of the path; unique."""
        return self.path.rpartition("/")[2]


ORIGINAL = (
    Operation("/service/user/get_phone_verify_code", "PhoneVerifyCodeReq", "PhoneVerifyCodeRsp", False),
    Operation("/service/user/username_register", "UserRegisterReq", "PlainRsp", False),
    Operation("/service/user/username_login", "UserLoginReq", "LoginRsp", False),
    Operation("/service/user/phone_register", "PhoneRegisterReq", "PlainRsp", False),
    Operation("/service/user/phone_login", "PhoneLoginReq", "LoginRsp", False),
    Operation("/service/user/get_user_info", "GetUserInfoReq", "GetUserInfoRsp"),
    Operation("/service/user/set_avatar", "SetUserAvatarReq", "PlainRsp"),
    Operation("/service/user/set_nickname", "SetUserNicknameReq", "PlainRsp"),
    Operation("/service/user/set_description", "SetUserDescriptionReq", "PlainRsp"),
    Operation("/service/user/set_phone", "SetUserPhoneNumberReq", "PlainRsp"),
    Operation("/service/friend/get_friend_list", "GetFriendListReq", "GetFriendListRsp"),
    Operation("/service/friend/add_friend_apply", "FriendAddReq", "FriendAddRsp"),
    Operation("/service/friend/add_friend_process", "FriendAddProcessReq", "FriendAddProcessRsp"),
    Operation("/service/friend/remove_friend", "FriendRemoveReq", "PlainRsp"),
    Operation("/service/friend/search_friend", "FriendSearchReq", "FriendSearchRsp"),
    Operation(
        "/service/friend/get_pending_friend_events", "GetPendingFriendEventListReq", "GetPendingFriendEventListRsp"
    ),
    Operation("/service/friend/get_chat_session_list", "GetChatSessionListReq", "GetChatSessionListRsp"),
    Operation("/service/friend/create_chat_session", "ChatSessionCreateReq", "PlainRsp"),
    Operation("/service/friend/get_chat_session_member", "GetChatSessionMemberReq", "GetChatSessionMemberRsp"),
    Operation("/service/friend/chat_session_add_member", "ChatSessionAddMemberReq", "PlainRsp"),
    Operation("/service/friend/chat_session_remove_member", "ChatSessionRemoveMemberReq", "PlainRsp"),
    Operation("/service/message_storage/get_history", "GetHistoryMsgReq", "MessageListRsp"),
    Operation("/service/message_storage/get_recent", "GetRecentMsgReq", "MessageListRsp"),
    Operation("/service/message_storage/search_history", "MsgSearchReq", "MessageListRsp"),
    Operation("/service/message_transmit/new_message", "NewMessageReq", "PlainRsp"),
    Operation("/service/file/get_single_file", "GetSingleFileReq", "GetSingleFileRsp"),
    Operation("/service/file/get_multi_file", "GetMultiFileReq", "GetMultiFileRsp"),
    Operation("/service/file/put_single_file", "PutSingleFileReq", "PutSingleFileRsp"),
    Operation("/service/file/put_multi_file", "PutMultiFileReq", "PutMultiFileRsp"),
    Operation("/service/speech/recognition", "SpeechRecognitionReq", "SpeechRecognitionRsp"),
)

EXTENSION = (
    Operation("/service/user/logout", "LogoutReq", "PlainRsp"),
    Operation("/service/user/change_password", "ChangePasswordReq", "PlainRsp"),
    Operation("/service/friend/get_conversations", "GetConversationsReq", "GetConversationsRsp"),
    Operation("/service/friend/rename_chat_session", "RenameChatSessionReq", "PlainRsp"),
    Operation("/service/message_storage/sync", "SyncReq", "SyncRsp"),
    Operation("/service/message_storage/mark_read", "MarkReadReq", "MarkReadRsp"),
    Operation("/service/message_storage/get_page", "GetPageReq", "GetPageRsp"),
    Operation("/service/message_storage/search_messages", "SearchMessagesReq", "SearchMessagesRsp"),
)

BY_NAME = {operation.name: operation for operation in (*ORIGINAL, *EXTENSION)}
