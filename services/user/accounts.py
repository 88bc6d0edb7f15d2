"""The rows of table user: reading, creating and changing accounts. Functions of one database connection, no decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.stores.folding import fold
from services.stores.ports import Connection

_COLUMNS = "user_id, nickname, description, password_hash, phone, avatar_id"
_IN_LIST = 500
AVATAR_PREFIX = "avatar:"
"""Of the request ids under which pictures of people are stored; tells the clean-up of the store service which files those are."""


@dataclass(frozen=True)
class Account:
    user_id: str
    nickname: str
    description: str
    password_hash: str | None
    phone: str | None
    avatar_id: str | None


def insert(
    connection: Connection,
    user_id: str,
    nickname: str,
    *,
    password_hash: str | None = None,
    phone: str | None = None,
    now: float,
) -> None:
    """Raises UniqueViolation when the id, the nickname or the phone number is taken."""
    connection.change(
        "INSERT INTO user (user_id, nickname, nickname_folded, password_hash, phone, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (user_id, nickname, fold(nickname), password_hash, phone, int(now * 1000)),
    )


def by_id(connection: Connection, user_id: str) -> Account | None:
    return _one(connection, "user_id", user_id)


def by_nickname(connection: Connection, nickname: str) -> Account | None:
    return _one(connection, "nickname", nickname)


def by_phone(connection: Connection, phone: str) -> Account | None:
    return _one(connection, "phone", phone)


def by_ids(connection: Connection, user_ids: Sequence[str]) -> list[Account]:
    """The accounts that exist, in no particular order."""
    found: list[Account] = []
    for start in range(0, len(user_ids), _IN_LIST):
        part = user_ids[start : start + _IN_LIST]
        marks = connection.dialect.placeholders(len(part))
        rows = connection.execute(f"SELECT {_COLUMNS} FROM user WHERE user_id IN ({marks})", part)  # noqa: S608
        found += [Account(*row) for row in rows]
    return found


def set_nickname(connection: Connection, user_id: str, nickname: str) -> bool:
    """Whether there is such an account. Raises UniqueViolation when the name is taken."""
    return bool(
        connection.change(
            "UPDATE user SET nickname = ?, nickname_folded = ? WHERE user_id = ?", (nickname, fold(nickname), user_id)
        )
    )


def set_description(connection: Connection, user_id: str, description: str) -> bool:
    return bool(connection.change("UPDATE user SET description = ? WHERE user_id = ?", (description, user_id)))


def set_phone(connection: Connection, user_id: str, phone: str) -> bool:
    """Raises UniqueViolation when another account has the number."""
    return bool(connection.change("UPDATE user SET phone = ? WHERE user_id = ?", (phone, user_id)))


def set_avatar(connection: Connection, user_id: str, avatar_id: str) -> bool:
    return bool(connection.change("UPDATE user SET avatar_id = ? WHERE user_id = ?", (avatar_id, user_id)))


def replace_password(connection: Connection, user_id: str, old_hash: str | None, new_hash: str) -> bool:
    """Sets the hash if it is still `old_hash`."""
    if old_hash is None:
        condition, parameters = "password_hash IS NULL", [new_hash, user_id]
    else:
        condition, parameters = "password_hash = ?", [new_hash, user_id, old_hash]
    return bool(
        connection.change(f"UPDATE user SET password_hash = ? WHERE user_id = ? AND {condition}", parameters)  # noqa: S608
    )


def friend_ids(connection: Connection, user_id: str) -> list[str]:
    """Who is to hear of a change of the profile."""
    return [row[0] for row in connection.execute("SELECT peer_id FROM relation WHERE user_id = ?", (user_id,))]


def _one(connection: Connection, column: str, value: str) -> Account | None:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM user WHERE {column} = ?", (value,))  # noqa: S608
    return Account(*rows[0]) if rows else None
