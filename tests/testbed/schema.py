"""The messages that clients see, written down by hand: numbers, names and types.

The first block is the original protocol, the second one the extension (docs/protocol.md). A number that is wrong here or in
the server fails the conformance tests, which is the point: the two are never derived from each other.
"""

from __future__ import annotations

import re

from tests.testbed.wire import Codec, FieldType

_ORIGINAL = """
UserInfo: 1 user_id string, 2 nickname string, 3 description string, 4 phone string, 5 avatar bytes
ChatSessionInfo: 1 single_chat_friend_id string, 2 chat_session_id string, 3 chat_session_name string, 4 prev_message MessageInfo, 5 avatar bytes
MessageInfo: 1 message_id string, 2 chat_session_id string, 3 timestamp int64, 4 sender UserInfo, 5 message MessageContent
MessageContent: 1 message_type enum, 2 string_message StringMessageInfo, 3 file_message FileMessageInfo, 4 speech_message SpeechMessageInfo, 5 image_message ImageMessageInfo
StringMessageInfo: 1 content string
ImageMessageInfo: 1 file_id string, 2 image_content bytes
FileMessageInfo: 1 file_id string, 2 file_size int64, 3 file_name string, 4 file_contents bytes
SpeechMessageInfo: 1 file_id string, 2 file_contents bytes
FileDownloadData: 1 file_id string, 2 file_content bytes
FileUploadData: 1 file_name string, 2 file_size int64, 3 file_content bytes
FriendEvent: 1 event_id string, 3 sender UserInfo

PhoneVerifyCodeReq: 1 request_id string, 2 phone_number string, 3 purpose enum
UserRegisterReq: 1 request_id string, 2 nickname string, 3 password string, 4 verify_code_id string, 5 verify_code string
UserLoginReq: 1 request_id string, 2 nickname string, 3 password string, 4 verify_code_id string, 5 verify_code string
PhoneRegisterReq: 1 request_id string, 2 phone_number string, 3 verify_code_id string, 4 verify_code string
PhoneLoginReq: 1 request_id string, 2 phone_number string, 3 verify_code_id string, 4 verify_code string
GetUserInfoReq: 1 request_id string, 2 user_id string, 3 session_id string
SetUserAvatarReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 avatar bytes
SetUserNicknameReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 nickname string
SetUserDescriptionReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 description string
SetUserPhoneNumberReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 phone_number string, 5 phone_verify_code_id string, 6 phone_verify_code string
GetFriendListReq: 1 request_id string, 2 user_id string, 3 session_id string
FriendRemoveReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 peer_id string
FriendAddReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 respondent_id string
FriendAddProcessReq: 1 request_id string, 2 notify_event_id string, 3 agree bool, 4 apply_user_id string, 5 session_id string, 6 user_id string
GetPendingFriendEventListReq: 1 request_id string, 2 session_id string, 3 user_id string
FriendSearchReq: 1 request_id string, 2 search_key string, 3 session_id string, 4 user_id string, 5 limit uint32, 6 page_token string
GetChatSessionListReq: 1 request_id string, 2 session_id string, 3 user_id string
ChatSessionCreateReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 chat_session_name string, 5 member_id_list *string
GetChatSessionMemberReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 chat_session_id string
ChatSessionAddMemberReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 chat_session_id string, 5 member_id_list *string
ChatSessionRemoveMemberReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 chat_session_id string, 5 member_id string
GetHistoryMsgReq: 1 request_id string, 2 chat_session_id string, 3 start_time int64, 4 over_time int64, 5 user_id string, 6 session_id string, 7 exclude_file_content bool
GetRecentMsgReq: 1 request_id string, 2 chat_session_id string, 3 msg_count int64, 4 cur_time int64, 5 user_id string, 6 session_id string, 7 exclude_file_content bool
MsgSearchReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 chat_session_id string, 5 search_key string
NewMessageReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 chat_session_id string, 5 message MessageContent
GetSingleFileReq: 1 request_id string, 2 file_id string, 3 user_id string, 4 session_id string
GetMultiFileReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 file_id_list *string
PutSingleFileReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 file_data FileUploadData
PutMultiFileReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 file_data *FileUploadData
SpeechRecognitionReq: 1 request_id string, 2 speech_content bytes, 3 user_id string, 4 session_id string

PlainRsp: 1 request_id string, 2 success bool, 3 errmsg string
LoginRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 login_session_id string
PhoneVerifyCodeRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 verify_code_id string
GetUserInfoRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 user_info UserInfo
GetFriendListRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 friend_list *UserInfo
FriendAddRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 notify_event_id string
FriendAddProcessRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 new_session_id string
GetPendingFriendEventListRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 event *FriendEvent
FriendSearchRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 user_info *UserInfo, 5 next_page_token string
GetChatSessionListRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 chat_session_info_list *ChatSessionInfo
GetChatSessionMemberRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 member_info_list *UserInfo
MessageListRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 msg_list *MessageInfo
GetSingleFileRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 file_data FileDownloadData
GetMultiFileRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 file_data %FileDownloadData
PutSingleFileRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 file_info FileMessageInfo
PutMultiFileRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 file_info *FileMessageInfo
SpeechRecognitionRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 recognition_result string

ClientAuthenticationReq: 1 request_id string, 2 session_id string, 3 protocol uint32
NotifyMessage: 1 notify_event_id string, 2 notify_type enum, 3 friend_add_apply NotifyFriendAddApply, 4 friend_process_result NotifyFriendAddProcess, 5 new_chat_session_info NotifyNewChatSession, 6 new_message_info NotifyNewMessage, 7 friend_remove NotifyFriendRemove
NotifyFriendAddApply: 1 user_info UserInfo
NotifyFriendAddProcess: 1 agree bool, 2 user_info UserInfo
NotifyNewChatSession: 1 chat_session_info ChatSessionInfo
NotifyNewMessage: 1 message_info MessageInfo
NotifyFriendRemove: 1 user_id string
"""

_EXTENSION = """
LogoutReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 everywhere bool
ChangePasswordReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 old_password string, 5 new_password string
RenameChatSessionReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 chat_session_id string, 5 chat_session_name string
GetConversationsReq: 1 request_id string, 2 session_id string, 3 user_id string, 4 limit uint32, 5 page_token string
Conversation: 1 info ChatSessionInfo, 2 last_seq uint64, 3 read_seq uint64, 4 unread uint64, 5 member_count uint32, 6 owner_id string, 7 prev_message_seq uint64, 8 prev_message_transcript string
GetConversationsRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 conversation *Conversation, 5 next_page_token string
SequencedMessage: 1 info MessageInfo, 2 seq uint64, 3 request_id string, 4 transcript string
Cursor: 1 chat_session_id string, 2 seq uint64
SyncReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 epoch string, 5 cursor *Cursor, 6 limit uint32
ConversationDelta: 1 chat_session_id string, 2 message *SequencedMessage, 3 last_seq uint64, 4 read_seq uint64, 5 unread uint64, 6 contiguous bool
SyncRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 epoch string, 5 delta *ConversationDelta, 6 complete bool, 7 gone *string
MarkReadReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 chat_session_id string, 5 seq uint64
MarkReadRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 chat_session_id string, 5 read_seq uint64, 6 unread uint64
GetPageReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 chat_session_id string, 5 before_seq uint64, 6 limit uint32, 7 around_seq uint64
GetPageRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 message *SequencedMessage, 5 more bool
SearchMessagesReq: 1 request_id string, 2 user_id string, 3 session_id string, 4 search_key string, 5 chat_session_id string, 6 limit uint32, 7 page_token string
SearchMessagesRsp: 1 request_id string, 2 success bool, 3 errmsg string, 4 message *SequencedMessage, 5 next_page_token string, 6 degraded bool

ClientFrame: 1 send NewMessageReq, 2 sync SyncReq, 3 mark_read MarkReadReq, 4 ping Ping
ServerFrame: 1 welcome Welcome, 2 event Event, 3 ack SendAck, 4 sync SyncRsp, 5 mark_read MarkReadRsp, 6 read ReadEvent, 7 pong Pong, 8 go_away GoAway, 9 conversation ConversationChanged, 10 transcript TranscriptEvent, 11 profile ProfileChanged
Ping: 1 request_id string
Pong: 1 request_id string
Welcome: 1 request_id string, 2 user_id string, 3 epoch string, 4 ping_interval_ms uint32
Event: 1 notify NotifyMessage, 2 seq uint64, 3 request_id string
SendAck: 1 request_id string, 2 success bool, 3 errmsg string, 4 message_id string, 5 seq uint64, 6 timestamp int64, 7 file_id string, 8 retry_after_ms uint32
ReadEvent: 1 chat_session_id string, 2 user_id string, 3 read_seq uint64
GoAway: 1 reconnect_after_ms uint32
ConversationChanged: 1 chat_session_id string, 2 chat_session_name string, 3 added_user_id *string, 4 removed_user_id *string, 5 gone bool
TranscriptEvent: 1 chat_session_id string, 2 message_id string, 3 seq uint64, 4 transcript string
ProfileChanged: 1 user_id string
"""

_LINE = re.compile(r"(\d+) (\w+) ([*%]?)(\w+)")


def _parse(text: str) -> dict[str, tuple[FieldType, ...]]:
    """`*` marks a repeated field, `%` a map from strings."""
    messages = {}
    for line in filter(None, text.splitlines()):
        name, _, rest = line.partition(": ")
        messages[name] = tuple(
            FieldType(int(number), field, kind, repeated=mark == "*", map_value=kind if mark == "%" else None)
            for number, field, mark, kind in _LINE.findall(rest)
        )
    return messages


CODEC = Codec(_parse(_ORIGINAL) | _parse(_EXTENSION))

STRING, IMAGE, FILE, SPEECH = range(4)
"""MessageType."""

FRIEND_ADD_APPLY, FRIEND_ADD_PROCESS, CHAT_SESSION_CREATE, CHAT_MESSAGE, FRIEND_REMOVE = range(5)
"""NotifyType."""


def text(content: str) -> dict[str, object]:
    """The MessageContent of a text."""
    return {"message_type": STRING, "string_message": {"content": content}}


def picture(content: bytes) -> dict[str, object]:
    return {"message_type": IMAGE, "image_message": {"image_content": content}}


def attachment(name: str, content: bytes, size: int | None = None) -> dict[str, object]:
    """The MessageContent of a file; `size` is what the client claims."""
    return {
        "message_type": FILE,
        "file_message": {
            "file_size": len(content) if size is None else size,
            "file_name": name,
            "file_contents": content,
        },
    }


def voice(pcm: bytes) -> dict[str, object]:
    return {"message_type": SPEECH, "speech_message": {"file_contents": pcm}}
