"""The rows of tables relation and friend_apply. Functions of one database connection, no decisions."""

from __future__ import annotations

from services.stores.ports import Connection


def friends_of(connection: Connection, user_id: str) -> list[str]:
    """Oldest friendship first."""
    rows = connection.execute("SELECT peer_id FROM relation WHERE user_id = ? ORDER BY created_at, peer_id", (user_id,))
    return [row[0] for row in rows]


def count_friends(connection: Connection, user_id: str) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM relation WHERE user_id = ?", (user_id,))[0][0])


def are_friends(connection: Connection, user_id: str, peer_id: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM relation WHERE user_id = ? AND peer_id = ?", (user_id, peer_id)))


def befriend(connection: Connection, user_id: str, peer_id: str, now: float) -> None:
    """Both directions; nothing where they exist."""
    columns = ("user_id", "peer_id", "created_at")
    statement = connection.dialect.insert_ignore("relation", columns)
    connection.change(statement, (user_id, peer_id, int(now * 1000)))
    connection.change(statement, (peer_id, user_id, int(now * 1000)))


def unfriend(connection: Connection, user_id: str, peer_id: str) -> bool:
    """Both directions; whether they were friends."""
    statement = "DELETE FROM relation WHERE user_id = ? AND peer_id = ?"
    return connection.change(statement, (user_id, peer_id)) + connection.change(statement, (peer_id, user_id)) > 0


def count_applications(connection: Connection, applicant: str) -> int:
    """Pending ones, to anybody."""
    return int(connection.execute("SELECT COUNT(*) FROM friend_apply WHERE user_id = ?", (applicant,))[0][0])


def application(connection: Connection, applicant: str, respondent: str) -> str | None:
    """The event id of a pending application."""
    rows = connection.execute(
        "SELECT event_id FROM friend_apply WHERE user_id = ? AND peer_id = ?", (applicant, respondent)
    )
    return rows[0][0] if rows else None


def apply(connection: Connection, event_id: str, applicant: str, respondent: str, now: float) -> None:
    """Raises UniqueViolation when one is pending."""
    connection.change(
        "INSERT INTO friend_apply (event_id, user_id, peer_id, created_at) VALUES (?, ?, ?, ?)",
        (event_id, applicant, respondent, int(now * 1000)),
    )


def delete_applications(connection: Connection, one: str, other: str) -> None:
    """In both directions."""
    statement = "DELETE FROM friend_apply WHERE user_id = ? AND peer_id = ?"
    connection.change(statement, (one, other))
    connection.change(statement, (other, one))


def delete_application(connection: Connection, event_id: str) -> bool:
    return bool(connection.change("DELETE FROM friend_apply WHERE event_id = ?", (event_id,)))


def pending(connection: Connection, respondent: str, limit: int) -> list[tuple[str, str]]:
    """(event id, applicant) of what is addressed to a user, newest first."""
    rows = connection.execute(
        "SELECT event_id, user_id FROM friend_apply WHERE peer_id = ? ORDER BY id DESC LIMIT ?", (respondent, limit)
    )
    return [(row[0], row[1]) for row in rows]
