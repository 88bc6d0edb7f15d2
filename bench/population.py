"""Who takes part: accounts, login sessions and conversations, written straight into a fresh database.

Registering a thousand people through the protocol would measure argon2id. Everything that is measured goes through the
protocol.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

LIFETIME = 30 * 86_400_000


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
    """`group` is one conversation of all of `members`, the first of whom sends."""

    pairs: list[Pair]
    group: str
    members: list[Person]


def populate(database: Path, pairs: int, members: int) -> Population:
    """Writes `pairs` one-to-one conversations and a group of `members` people."""
    connection = sqlite3.connect(database)
    now = int(time.time() * 1000)
    people = [Person(f"bench{number:06d}", secrets.token_urlsafe(32)) for number in range(2 * pairs + members)]
    conversations = [Pair(f"pair{number:06d}", people[2 * number], people[2 * number + 1]) for number in range(pairs)]
    group = people[2 * pairs :]
    with connection:
        connection.executemany(
            "INSERT INTO user (user_id, nickname, nickname_folded, created_at) VALUES (?, ?, ?, ?)",
            [(person.user_id, person.user_id, person.user_id, now) for person in people],
        )
        connection.executemany(
            "INSERT INTO login_session (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
            [
                (hashlib.sha256(person.token.encode()).hexdigest(), person.user_id, now, now + LIFETIME)
                for person in people
            ],
        )
        connection.executemany(
            "INSERT INTO chat_session (chat_session_id, chat_session_name, chat_session_type, pair_key, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (pair.chat_session_id, "", 1, f"{pair.sender.user_id} {pair.receiver.user_id}", now)
                for pair in conversations
            ]
            + [("group", "group", 2, None, now)],
        )
        connection.executemany(
            "INSERT INTO chat_session_member (chat_session_id, user_id, joined_at) VALUES (?, ?, ?)",
            [
                (pair.chat_session_id, person.user_id, now)
                for pair in conversations
                for person in (pair.sender, pair.receiver)
            ]
            + [("group", person.user_id, now) for person in group],
        )
    connection.close()
    return Population(conversations, "group", group)
