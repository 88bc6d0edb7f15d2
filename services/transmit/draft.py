"""What a send asks for, checked and reduced to what is stored. Pure; the first step of the hot path.

Cheap checks come first: nothing is hashed or copied before the request is known to be well-formed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from services.protocol.base_pb2 import FILE, IMAGE, SPEECH, STRING, MessageContent
from services.protocol.transmit_pb2 import NewMessageReq
from services.runtime.refusal import Refusal
from services.stores.folding import fold

MAX_ID = 64
"""Characters of an id, the request_id included: what the columns hold."""

MAX_FILE_NAME = 255
"""Characters of a file's name."""

FIELDS = {STRING: "string_message", IMAGE: "image_message", FILE: "file_message", SPEECH: "speech_message"}
"""Message type -> the one member of the oneof that goes with it."""


class Draft(NamedTuple):
    """One message before it has a place in its conversation. `claimed`: file_id was named by the client, so that its owner
    is still to be checked, and the size and name are the file's."""

    user_id: str
    chat_session_id: str
    request_id: str | None
    body_hash: bytes | None
    message_type: int
    text: str | None = None
    search_text: str | None = None
    file_id: str | None = None
    file_name: str | None = None
    file_size: int | None = None
    claimed: bool = False


@dataclass(frozen=True)
class Attachment:
    """The content of a picture, file or voice message. Either `content` is to be stored or `file_id` names it."""

    content: bytes
    file_id: str
    file_name: str | None


def check(request: NewMessageReq, max_text: int) -> MessageContent:
    """The content of a well-formed request. Raises Refusal."""
    content = request.message
    message_type = content.message_type
    if message_type == STRING:
        if not content.HasField("string_message"):
            raise Refusal("消息类型与内容不符")
    else:
        field = FIELDS.get(message_type)
        if field is None:
            raise Refusal("不支持的消息类型")
        if content.WhichOneof("msg_content") != field:
            raise Refusal("消息类型与内容不符")
    if not 0 < len(request.chat_session_id) <= MAX_ID:
        raise Refusal("会话标识无效")
    if len(request.request_id) > MAX_ID:
        raise Refusal(f"请求标识过长，最多 {MAX_ID} 个字符")
    if not 0 < len(request.user_id) <= MAX_ID:
        raise Refusal("用户标识无效")
    if message_type == STRING:
        text = content.string_message.content
        # A character takes at most four bytes, so most texts are short enough without being encoded.
        if len(text) * 4 > max_text and len(text.encode()) > max_text:
            raise Refusal(f"消息过长，最多 {max_text} 字节")
        if not text or text.isspace():
            raise Refusal("消息内容不能为空")
    return content


def text_draft(request: NewMessageReq, content: MessageContent) -> Draft:
    """The draft of a checked text message."""
    text = content.string_message.content
    request_id = request.request_id
    folded = text if text.isascii() and text.islower() else fold(text)
    return Draft(
        request.user_id,
        request.chat_session_id,
        request_id or None,
        digest(request.chat_session_id, STRING, text.encode()) if request_id else None,
        STRING,
        text,
        None if folded == text else folded,
    )


def attachment(content: MessageContent) -> Attachment:
    """What a checked picture, file or voice message brings along. Raises Refusal."""
    name: str | None = None
    match content.message_type:
        case t if t == IMAGE:
            data, file_id = content.image_message.image_content, content.image_message.file_id
        case t if t == FILE:
            data, file_id = content.file_message.file_contents, content.file_message.file_id
            name = content.file_message.file_name
            if len(name) > MAX_FILE_NAME:
                raise Refusal(f"文件名过长，最多 {MAX_FILE_NAME} 个字符")
            if not name:
                raise Refusal("文件名不能为空")
            if any(letter < " " for letter in name):
                raise Refusal("文件名含有无效字符")
        case _:
            data, file_id = content.speech_message.file_contents, content.speech_message.file_id
    if not data and not file_id:
        raise Refusal("文件内容不能为空")
    if len(file_id) > MAX_ID:
        raise Refusal("文件不存在")
    return Attachment(data, "" if data else file_id, name)


def attachment_draft(request: NewMessageReq, part: Attachment) -> Draft:
    """The draft of a checked picture, file or voice message, before its content is stored."""
    message_type = request.message.message_type
    body: bytes | None = None
    if request.request_id:
        # Content and a file named by the client are told apart, so that one never passes for the other.
        kept = hashlib.sha256(part.content).digest() if part.content else part.file_id.encode()
        name = (part.file_name or "").encode()
        body = digest(request.chat_session_id, message_type, b"%d:%b%b" % (len(name), name, kept))
    return Draft(
        request.user_id,
        request.chat_session_id,
        request.request_id or None,
        body,
        message_type,
        file_id=part.file_id or None,
        file_name=part.file_name,
        file_size=len(part.content),
        claimed=not part.content,
    )


def digest(chat_session_id: str, message_type: int, body: bytes) -> bytes:
    """Tells a repetition of a request from another one under the same request_id."""
    return hashlib.sha256(b"%d %b\0%b" % (message_type, chat_session_id.encode(), body)).digest()
