"""The answer to a send: the message as it is pushed, made once from what was asked and what was stored."""

from __future__ import annotations

from services.protocol.base_pb2 import FILE, IMAGE, SPEECH, STRING, UserInfo
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.transmit.batch import Stored

MAX_PICTURES = 64 * 1024
"""Bytes of the sender's picture in all pushes of one message together; beyond that it is left out."""


def send_answer(request: NewMessageReq, stored: Stored, sender: UserInfo) -> SendRsp:
    """The message carries both the content that the sender sent and the file_id to fetch it by later.

    The answer may share parts with the request: neither is to be changed afterwards.
    """
    response = SendRsp(
        request_id=request.request_id,
        success=True,
        seq=stored.seq,
        member_id=stored.members,
        duplicate=stored.duplicate,
    )
    message = response.message
    message.message_id = stored.message_id
    message.chat_session_id = request.chat_session_id
    message.timestamp = stored.create_time // 1000
    message.sender.CopyFrom(sender)
    if sender.avatar and len(sender.avatar) * len(stored.members) > MAX_PICTURES:
        message.sender.ClearField("avatar")
    asked, content = request.message, message.message
    content.message_type = asked.message_type
    match asked.message_type:
        case t if t == STRING:
            content.string_message.content = asked.string_message.content
        case t if t == IMAGE:
            content.image_message.file_id = stored.file_id or ""
            content.image_message.image_content = asked.image_message.image_content
        case t if t == FILE:
            content.file_message.file_id = stored.file_id or ""
            content.file_message.file_size = stored.file_size or 0
            content.file_message.file_name = stored.file_name or ""
            content.file_message.file_contents = asked.file_message.file_contents
        case t if t == SPEECH:
            content.speech_message.file_id = stored.file_id or ""
            content.speech_message.file_contents = asked.speech_message.file_contents
    return response
