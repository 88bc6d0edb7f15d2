"""Who takes part: accounts, login sessions, conversations and their past, as rows of a fresh database. Pure.

Registering ten thousand people through the protocol would measure argon2id. Everything that is measured goes through the
protocol.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LIFETIME = 30 * 86_400_000
"""Of a login session, in milliseconds."""

GROUP = "group"

Rows = tuple[str, tuple[str, ...], Sequence[Sequence[Any]]]
"""Table, columns, rows."""


@dataclass(frozen=True)
class Person:
    user_id: str
    token: str


@dataclass(frozen=True)
class Pair:
    chat_session_id: str
    sender: Person
    receiver: Person


@dataclass(frozen=True)
class Population:
    """`pairs` talk one to one. All of `members` are in the conversation GROUP, the first of them sends. The `crowd` has no
    conversations. `returning` was away: `away` are its conversations, each with `past` messages."""

    pairs: list[Pair]
    members: list[Person]
    crowd: list[Person]
    returning: Person
    away: list[Pair]
    past: int

    @property
    def everybody(self) -> Iterator[Person]:
        for pair in self.pairs:
            yield from (pair.sender, pair.receiver)
        yield from self.members
        yield from self.crowd
        yield self.returning
        for pair in self.away:
            yield pair.sender


def population(*, pairs: int, members: int, crowd: int, away: int, past: int) -> Population:
    """So many of each."""
    people = (Person(f"bench{number:06d}", secrets.token_urlsafe(32)) for number in range(1 << 30))
    returning = next(people)
    return Population(
        [Pair(f"pair{number:06d}", next(people), next(people)) for number in range(pairs)],
        [next(people) for _ in range(members)],
        [next(people) for _ in range(crowd)],
        returning,
        [Pair(f"away{number:06d}", next(people), returning) for number in range(away)],
        past,
    )


def rows(people: Population) -> Iterator[Rows]:
    """What is to be in the database."""
    now = int(time.time() * 1000)
    everybody = list(people.everybody)
    yield (
        "user",
        ("user_id", "nickname", "nickname_folded", "created_at"),
        [(person.user_id, person.user_id, person.user_id, now) for person in everybody],
    )
    yield (
        "login_session",
        ("token_hash", "user_id", "created_at", "expires_at"),
        [
            (hashlib.sha256(person.token.encode()).hexdigest(), person.user_id, now, now + LIFETIME)
            for person in everybody
        ],
    )
    conversations = [*((pair, 0) for pair in people.pairs), *((pair, people.past) for pair in people.away)]
    yield (
        "chat_session",
        ("chat_session_id", "chat_session_name", "chat_session_type", "pair_key", "created_at", "last_seq"),
        [
            (pair.chat_session_id, "", 1, " ".join(sorted((pair.sender.user_id, pair.receiver.user_id))), now, last)
            for pair, last in conversations
        ]
        + [(GROUP, "group", 2, None, now, 0)],
    )
    yield (
        "chat_session_member",
        ("chat_session_id", "user_id", "joined_at"),
        [
            (pair.chat_session_id, person.user_id, now)
            for pair, _ in conversations
            for person in (pair.sender, pair.receiver)
        ]
        + [(GROUP, person.user_id, now) for person in people.members],
    )
    yield (
        "message",
        ("message_id", "session_id", "seq", "user_id", "message_type", "create_time", "content"),
        [
            (
                f"{now:012x}{number:08x}{seq:08x}",
                pair.chat_session_id,
                seq,
                pair.sender.user_id,
                0,
                now,
                f"what was said before, number {seq}, 你好 {number:06d}",
            )
            for number, pair in enumerate(people.away)
            for seq in range(1, people.past + 1)
        ],
    )
