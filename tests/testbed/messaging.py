"""People, conversations and requests for the tests of transmit and store: rows in a real database, real services."""

from __future__ import annotations

from typing import Any

from services.protocol.base_pb2 import FILE, IMAGE, SPEECH, STRING, MessageContent
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.runtime.context import Runtime
from services.stores.ports import Connection, Row


async def add_people(runtime: Runtime, *user_ids: str) -> None:
    """Accounts whose nickname is the id with a capital letter."""

    def work(connection: Connection) -> None:
        connection.insert_many(
            "user",
            ("user_id", "nickname", "nickname_folded", "created_at"),
            [(user_id, user_id.capitalize(), user_id, 0) for user_id in user_ids],
        )

    await runtime.database.write(work)


async def add_conversation(runtime: Runtime, name: str, *members: str, kind: int = 2) -> None:
    """A conversation; `kind` 1 is one-to-one, 2 a group."""

    def work(connection: Connection) -> None:
        connection.change(
            "INSERT INTO chat_session (chat_session_id, chat_session_type, created_at) VALUES (?, ?, 0)", [name, kind]
        )
        connection.insert_many(
            "chat_session_member",
            ("chat_session_id", "user_id", "joined_at"),
            [(name, member, 0) for member in members],
        )

    await runtime.database.write(work)


async def set_members(runtime: Runtime, name: str, *members: str) -> None:
    """Replaces the members as the friend service does, the version growing with it."""

    def work(connection: Connection) -> None:
        connection.change("DELETE FROM chat_session_member WHERE chat_session_id = ?", [name])
        connection.insert_many(
            "chat_session_member",
            ("chat_session_id", "user_id", "joined_at"),
            [(name, member, 0) for member in members],
        )
        connection.change(
            "UPDATE chat_session SET member_version = member_version + 1 WHERE chat_session_id = ?", [name]
        )

    await runtime.database.write(work)


async def rows(runtime: Runtime, sql: str, *parameters: Any) -> list[Row]:
    return await runtime.database.read(lambda connection: connection.execute(sql, parameters))


def text(sender: str, conversation: str, content: str, request_id: str = "") -> NewMessageReq:
    message = MessageContent(message_type=STRING)
    message.string_message.content = content
    return NewMessageReq(request_id=request_id, user_id=sender, chat_session_id=conversation, message=message)


def picture(sender: str, conversation: str, content: bytes, request_id: str = "", file_id: str = "") -> NewMessageReq:
    message = MessageContent(message_type=IMAGE)
    message.image_message.image_content = content
    message.image_message.file_id = file_id
    return NewMessageReq(request_id=request_id, user_id=sender, chat_session_id=conversation, message=message)


def document(sender: str, conversation: str, name: str, content: bytes, request_id: str = "") -> NewMessageReq:
    message = MessageContent(message_type=FILE)
    message.file_message.file_name = name
    message.file_message.file_contents = content
    message.file_message.file_size = 7  # clients' claims are not believed
    return NewMessageReq(request_id=request_id, user_id=sender, chat_session_id=conversation, message=message)


def voice(sender: str, conversation: str, content: bytes, request_id: str = "") -> NewMessageReq:
    message = MessageContent(message_type=SPEECH)
    message.speech_message.file_contents = content
    return NewMessageReq(request_id=request_id, user_id=sender, chat_session_id=conversation, message=message)


async def send(runtime: Runtime, request: NewMessageReq) -> SendRsp:
    """As the gateway sends it: a refusal is an answer with success false."""
    answer = await runtime.clients.call("transmit", "Send", request)
    assert isinstance(answer, SendRsp)
    return answer


async def say(runtime: Runtime, sender: str, conversation: str, *contents: str) -> list[SendRsp]:
    """Sends texts one after the other, each of which must succeed."""
    answers = []
    for content in contents:
        answers.append(await send(runtime, text(sender, conversation, content)))
        assert answers[-1].success, answers[-1].errmsg
    return answers
