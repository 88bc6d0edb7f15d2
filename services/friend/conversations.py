"""The rows of tables chat_session and chat_session_member. Functions of one database connection, no decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.stores.ports import Connection

SINGLE = 1
GROUP = 2

_IN_LIST = 500
_COLUMNS = "s.chat_session_id, s.chat_session_name, s.chat_session_type, s.owner_id, s.last_seq"


@dataclass(frozen=True)
class ConversationRow:
    chat_session_id: str
    name: str
    type: int
    owner_id: str
    """Of a group."""
    last_seq: int


@dataclass(frozen=True)
class Membership:
    """A conversation as one of its members has it."""

    row: ConversationRow
    read_seq: int
    activity: int
    """Unix milliseconds of its last message, or of its creation."""


def create_single(connection: Connection, chat_session_id: str, one: str, other: str, now: float) -> str:
    """The one-to-one conversation of two people, made if it is not there. Returns its id."""
    pair = pair_key(one, other)
    rows = connection.execute("SELECT chat_session_id FROM chat_session WHERE pair_key = ?", (pair,))
    if rows:
        return str(rows[0][0])
    connection.change(
        "INSERT INTO chat_session (chat_session_id, chat_session_type, pair_key, created_at) VALUES (?, ?, ?, ?)",
        (chat_session_id, SINGLE, pair, int(now * 1000)),
    )
    _insert_members(connection, chat_session_id, (one, other), 0, now)
    return chat_session_id


def create_group(
    connection: Connection, chat_session_id: str, *, name: str, owner: str, members: Sequence[str], now: float
) -> None:
    connection.change(
        "INSERT INTO chat_session (chat_session_id, chat_session_name, chat_session_type, owner_id, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (chat_session_id, name, GROUP, owner, int(now * 1000)),
    )
    _insert_members(connection, chat_session_id, members, 0, now)


def add_members(connection: Connection, row: ConversationRow, members: Sequence[str], now: float) -> None:
    """What was said before they came counts as read."""
    _insert_members(connection, row.chat_session_id, members, row.last_seq, now)
    _membership_changed(connection, row.chat_session_id)


def remove_member(connection: Connection, chat_session_id: str, user_id: str) -> None:
    connection.change(
        "DELETE FROM chat_session_member WHERE chat_session_id = ? AND user_id = ?", (chat_session_id, user_id)
    )
    _membership_changed(connection, chat_session_id)


def set_owner(connection: Connection, chat_session_id: str, owner: str) -> None:
    connection.change("UPDATE chat_session SET owner_id = ? WHERE chat_session_id = ?", (owner, chat_session_id))


def rename(connection: Connection, chat_session_id: str, name: str) -> None:
    connection.change(
        "UPDATE chat_session SET chat_session_name = ? WHERE chat_session_id = ?", (name, chat_session_id)
    )


def dissolve(connection: Connection, chat_session_id: str) -> None:
    """Removes the conversation and its members; the store service cleans up messages without a conversation."""
    connection.change("DELETE FROM chat_session_member WHERE chat_session_id = ?", (chat_session_id,))
    connection.change("DELETE FROM chat_session WHERE chat_session_id = ?", (chat_session_id,))


def single_of(connection: Connection, one: str, other: str) -> str | None:
    rows = connection.execute("SELECT chat_session_id FROM chat_session WHERE pair_key = ?", (pair_key(one, other),))
    return rows[0][0] if rows else None


def of_member(
    connection: Connection, chat_session_id: str, user_id: str, *, lock: bool = False
) -> ConversationRow | None:
    """The conversation, if the user is a member of it. `lock`: it is going to be changed, so nobody else may meanwhile."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM chat_session s JOIN chat_session_member m ON m.chat_session_id = s.chat_session_id"  # noqa: S608
        f" WHERE s.chat_session_id = ? AND m.user_id = ?{connection.dialect.for_update if lock else ''}",
        (chat_session_id, user_id),
    )
    return ConversationRow(*rows[0]) if rows else None


def members(connection: Connection, chat_session_id: str) -> list[str]:
    """The one who has been a member longest first."""
    rows = connection.execute(
        "SELECT user_id FROM chat_session_member WHERE chat_session_id = ? ORDER BY joined_at, user_id",
        (chat_session_id,),
    )
    return [row[0] for row in rows]


def in_too_many_groups(connection: Connection, user_ids: Sequence[str], limit: int) -> list[str]:
    """Those of the users who are members of `limit` groups or more."""
    full: list[str] = []
    for start in range(0, len(user_ids), _IN_LIST):
        part = user_ids[start : start + _IN_LIST]
        rows = connection.execute(
            "SELECT m.user_id FROM chat_session_member m JOIN chat_session s ON s.chat_session_id = m.chat_session_id"  # noqa: S608
            f" WHERE s.chat_session_type = ? AND m.user_id IN ({connection.dialect.placeholders(len(part))})"
            " GROUP BY m.user_id HAVING COUNT(*) >= ?",
            (GROUP, *part, limit),
        )
        full += [row[0] for row in rows]
    return full


def all_of(connection: Connection, user_id: str) -> list[ConversationRow]:
    """One-to-one conversations first, then groups, each oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM chat_session s JOIN chat_session_member m ON m.chat_session_id = s.chat_session_id"  # noqa: S608
        " WHERE m.user_id = ? ORDER BY s.chat_session_type, s.id",
        (user_id,),
    )
    return [ConversationRow(*row) for row in rows]


def page_of(connection: Connection, user_id: str, limit: int, before: tuple[int, str] | None) -> list[Membership]:
    """The conversations of a user, latest activity first, after the one with activity and id `before`."""
    activity = "CASE WHEN s.last_message_at > s.created_at THEN s.last_message_at ELSE s.created_at END"
    condition = "" if before is None else " WHERE activity < ? OR (activity = ? AND chat_session_id < ?)"
    parameters = () if before is None else (before[0], before[0], before[1])
    rows = connection.execute(
        f"SELECT * FROM (SELECT {_COLUMNS}, m.read_seq, {activity} AS activity FROM chat_session s"  # noqa: S608
        " JOIN chat_session_member m ON m.chat_session_id = s.chat_session_id WHERE m.user_id = ?) AS mine"
        f"{condition} ORDER BY activity DESC, chat_session_id DESC LIMIT ?",
        (user_id, *parameters, limit),
    )
    return [Membership(ConversationRow(*row[:5]), row[5], row[6]) for row in rows]


def peers(connection: Connection, user_id: str) -> dict[str, str]:
    """Conversation id -> the other person, of the user's one-to-one conversations."""
    rows = connection.execute(
        "SELECT s.chat_session_id, p.user_id FROM chat_session_member m"
        " JOIN chat_session s ON s.chat_session_id = m.chat_session_id"
        " JOIN chat_session_member p ON p.chat_session_id = m.chat_session_id AND p.user_id <> m.user_id"
        " WHERE m.user_id = ? AND s.chat_session_type = ?",
        (user_id, SINGLE),
    )
    return {row[0]: row[1] for row in rows}


def member_counts(connection: Connection, chat_session_ids: Sequence[str]) -> dict[str, int]:
    if not chat_session_ids:
        return {}
    rows = connection.execute(
        "SELECT chat_session_id, COUNT(*) FROM chat_session_member"  # noqa: S608
        f" WHERE chat_session_id IN ({connection.dialect.placeholders(len(chat_session_ids))})"
        " GROUP BY chat_session_id",
        list(chat_session_ids),
    )
    return {row[0]: row[1] for row in rows}


def pair_key(one: str, other: str) -> str:
    """The same for both orders; unique, so two people have one conversation at most."""
    return " ".join(sorted((one, other)))


def _insert_members(
    connection: Connection, chat_session_id: str, user_ids: Sequence[str], read_seq: int, now: float
) -> None:
    connection.insert_many(
        "chat_session_member",
        ("chat_session_id", "user_id", "read_seq", "joined_at"),
        [(chat_session_id, user_id, read_seq, int(now * 1000)) for user_id in user_ids],
    )


def _membership_changed(connection: Connection, chat_session_id: str) -> None:
    connection.change(
        "UPDATE chat_session SET member_version = member_version + 1 WHERE chat_session_id = ?", (chat_session_id,)
    )
