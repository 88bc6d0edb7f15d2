"""The events that travel from the outbox through the queue to a consumer: their topics and their form.

An event names things and carries no text of a message: the consumer reads the truth from the database, so a repeated or
late event does no harm.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

TRANSCRIPTS = "transcripts"
"""A voice message that wants a transcript."""

SEARCH = "search"
"""Messages that a search index wants to know of."""

PEOPLE = "search-people"
"""A person whom a search index wants to know of."""

CONSUMERS = ((TRANSCRIPTS, "store"), (SEARCH, "search-index"), (PEOPLE, "search-index"))
"""The groups of consumers, as (topic, group): where dead letters are looked for."""


@dataclass(frozen=True)
class MessageEvent:
    """A message was stored, changed or deleted."""

    message_id: str
    chat_session_id: str
    seq: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> MessageEvent:
        """Raises ValueError for anything that `encode` did not make."""
        fields: Any = json.loads(payload)
        if (
            not isinstance(fields, dict)
            or set(fields) != {"message_id", "chat_session_id", "seq"}
            or not isinstance(fields["message_id"], str)
            or not isinstance(fields["chat_session_id"], str)
            or type(fields["seq"]) is not int
        ):
            raise ValueError("not an event of a message")
        return cls(**fields)


@dataclass(frozen=True)
class IndexEvent:
    """Messages were stored, changed or deleted by one transaction. They share an event: on the way to the index it costs about
    the same with one of them as with hundreds."""

    message_ids: tuple[str, ...]

    def encode(self) -> bytes:
        return json.dumps({"message_ids": self.message_ids}, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> IndexEvent:
        """Raises ValueError for anything that `encode` did not make."""
        fields: Any = json.loads(payload)
        if (
            not isinstance(fields, dict)
            or set(fields) != {"message_ids"}
            or not isinstance(fields["message_ids"], list)
        ):
            raise ValueError("not an event of messages")
        ids = fields["message_ids"]
        if not ids or not all(isinstance(each, str) for each in ids):
            raise ValueError("not an event of messages")
        return cls(tuple(ids))


@dataclass(frozen=True)
class UserEvent:
    """An account was made or changed."""

    user_id: str

    def encode(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> UserEvent:
        """Raises ValueError for anything that `encode` did not make."""
        fields: Any = json.loads(payload)
        if not isinstance(fields, dict) or set(fields) != {"user_id"} or not isinstance(fields["user_id"], str):
            raise ValueError("not an event of a person")
        return cls(**fields)


def stored_at(payload: bytes) -> float | None:
    """When the first message of an event was stored, in Unix seconds: its id begins with the milliseconds as 12 hex digits.
    None for an event that names no message."""
    try:
        fields: Any = json.loads(payload)
        first = fields["message_ids"][0] if "message_ids" in fields else fields["message_id"]
        return int(first[:12], 16) / 1000
    except (ValueError, LookupError, TypeError):
        return None
