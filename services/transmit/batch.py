"""One transaction for many sends: every accepted draft gets the next sequence number of its conversation.

Runs inside `Database.write`, possibly more than once, and has no effect outside the connection. A draft that cannot be
accepted gets a refusal and leaves no trace; the others are not disturbed by it. The order of the drafts is the order of
the sequence numbers.

Who sends has read what came before: the sender's read position advances to the message. So what a member has not read is
`last_seq - read_seq`, never counts own messages, and costs nothing to know.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from services.protocol.base_pb2 import SPEECH, STRING
from services.runtime.events import SEARCH, TRANSCRIPTS, IndexEvent, MessageEvent
from services.stores.batches import select_any, select_in, upsert_many
from services.stores.ports import Connection
from services.transmit.draft import Draft
from services.transmit.membership import Members

MESSAGE_COLUMNS = (
    "message_id",
    "session_id",
    "seq",
    "user_id",
    "message_type",
    "create_time",
    "content",
    "search_text",
    "file_id",
    "file_name",
    "file_size",
    "request_id",
    "body_hash",
)

NOT_A_MEMBER = "您不是该会话的成员"
OTHER_BODY = "该请求标识已用于另一条消息"
NO_SUCH_FILE = "文件不存在"


class Stored(NamedTuple):
    """A message that is durable once the transaction is. `create_time` in Unix milliseconds; `members` are those of now,
    none if the conversation is gone; `duplicate`: an earlier transaction, or an earlier draft of this one, stored it."""

    message_id: str
    seq: int
    create_time: int
    members: Members
    file_id: str | None
    file_name: str | None
    file_size: int | None
    duplicate: bool


class Refused(NamedTuple):
    """Why a draft was not stored, in words for the sender."""

    reason: str


class Result(NamedTuple):
    """`outcomes` in the order of the drafts. `members` were read here and may be remembered once the transaction is
    committed. `events` counts the outbox rows."""

    outcomes: list[Stored | Refused]
    members: dict[str, tuple[int, Members]]
    events: int


class _Head:
    """The end of a conversation while the batch appends to it."""

    __slots__ = ("changed", "last_at", "last_seq", "members")

    def __init__(self, last_seq: int, last_at: int, members: Members) -> None:
        self.last_seq = last_seq
        self.last_at = last_at
        self.members = members
        self.changed = False


_Key = tuple[str, str]


def store_batch(
    connection: Connection,
    drafts: Sequence[Draft],
    *,
    now: int,
    remembered: Callable[[str, int], Members | None],
    feeds_search: bool,
    doubtful: bool = True,
) -> Result:
    """Stores the drafts. `now` in Unix milliseconds; `remembered` gives the members of a conversation at a version.

    A request id that was used before is rare, and the unique key of the table finds it anyway. So they are looked up only
    where `doubtful`, or where a draft would be refused: what was stored once gets its answer whatever holds today.

    Raises UniqueViolation when a request id is stored already, or another process stores it at the same time: run it again,
    doubtful.
    """
    # The conversations come first: where rows are locked, everything read after it is then what other writers left.
    heads, fresh = _read_heads(connection, drafts, remembered)
    earlier = _read_earlier(connection, [each for each in drafts if doubtful or _suspect(each, heads)], heads)
    files = _read_files(connection, drafts)

    outcomes: list[Stored | Refused] = []
    rows: list[tuple[object, ...]] = []
    events: list[tuple[str, bytes, int]] = []
    found_by_search: list[str] = []
    read: dict[tuple[str, str], int] = {}
    prefix = f"{now:012x}"
    random = os.urandom(8 * len(drafts)).hex()
    for index, draft in enumerate(drafts):
        key = (draft.user_id, draft.request_id) if draft.request_id is not None else None
        if key is not None and key in earlier:
            body_hash, stored = earlier[key]
            outcomes.append(stored if body_hash == draft.body_hash else Refused(OTHER_BODY))
            continue
        head = heads.get(draft.chat_session_id)
        if head is None or draft.user_id not in head.members:
            outcomes.append(Refused(NOT_A_MEMBER))
            continue
        file_id, file_name, file_size = draft.file_id, draft.file_name, draft.file_size
        if draft.claimed:
            owner, file_size = files.get(file_id or "", ("", 0))
            if owner != draft.user_id:
                outcomes.append(Refused(NO_SUCH_FILE))
                continue
        # Later in the conversation is never earlier in time, even if the clock was set back: history by time rests on it.
        created = head.last_at if head.last_at > now else now
        seq = head.last_seq + 1
        message_id = f"{prefix}{index:04x}{random[16 * index : 16 * index + 16]}"
        head.last_seq, head.last_at, head.changed = seq, created, True
        read[draft.chat_session_id, draft.user_id] = seq
        rows.append(
            (
                message_id,
                draft.chat_session_id,
                seq,
                draft.user_id,
                draft.message_type,
                created,
                draft.text,
                draft.search_text,
                file_id,
                file_name,
                file_size,
                draft.request_id,
                draft.body_hash,
            )
        )
        outcome = Stored(message_id, seq, created, head.members, file_id, file_name, file_size, False)
        outcomes.append(outcome)
        if key is not None:
            earlier[key] = (draft.body_hash, outcome._replace(duplicate=True))
        if draft.message_type == SPEECH:
            events.append((TRANSCRIPTS, MessageEvent(message_id, draft.chat_session_id, seq).encode(), now))
        elif draft.message_type == STRING:
            found_by_search.append(message_id)
    if found_by_search and feeds_search:
        events.append((SEARCH, IndexEvent(tuple(found_by_search)).encode(), now))

    with connection.together():
        if rows:
            connection.insert_many("message", MESSAGE_COLUMNS, rows)
            upsert_many(
                connection,
                "chat_session",
                ("chat_session_id", "chat_session_type", "created_at", "last_seq", "last_message_at"),
                ("chat_session_id",),
                ("last_seq", "last_message_at"),
                [(name, 0, 0, head.last_seq, head.last_at) for name, head in heads.items() if head.changed],
            )
            upsert_many(
                connection,
                "chat_session_member",
                ("chat_session_id", "user_id", "read_seq", "joined_at"),
                ("chat_session_id", "user_id"),
                ("read_seq",),
                [(name, user_id, seq, now) for (name, user_id), seq in read.items()],
            )
        connection.insert_many("outbox", ("topic", "event", "created_at"), events)
    return Result(outcomes, fresh, len(events))


def _read_heads(
    connection: Connection, drafts: Sequence[Draft], remembered: Callable[[str, int], Members | None]
) -> tuple[dict[str, _Head], dict[str, tuple[int, Members]]]:
    heads: dict[str, _Head] = {}
    unknown: dict[str, tuple[int, Members]] = {}
    # Where several processes write at once, the rows are locked until the commit, by everyone in the same order: nobody
    # else hands out the next numbers, and nobody waits for somebody who waits for oneself.
    names = sorted({draft.chat_session_id for draft in drafts})
    sql = (
        "SELECT chat_session_id, member_version, last_seq, last_message_at FROM chat_session WHERE chat_session_id IN ({})"  # noqa: S608
        f" ORDER BY chat_session_id{connection.dialect.for_update}"
    )
    for name, version, last_seq, last_at in select_in(connection, sql, names):
        members = remembered(name, version)
        if members is None and name not in unknown:
            unknown[name] = (version, {})
        heads[name] = _Head(last_seq, last_at, members if members is not None else unknown[name][1])
    if unknown:
        for name, user_id in select_in(
            connection,
            "SELECT chat_session_id, user_id FROM chat_session_member WHERE chat_session_id IN ({})",
            list(unknown),
        ):
            unknown[name][1][user_id] = None
    return heads, unknown


def _suspect(draft: Draft, heads: Mapping[str, _Head]) -> bool:
    """Whether the draft may be refused."""
    head = heads.get(draft.chat_session_id)
    return draft.claimed or head is None or draft.user_id not in head.members


def _read_earlier(
    connection: Connection, drafts: Sequence[Draft], heads: dict[str, _Head]
) -> dict[_Key, tuple[bytes | None, Stored]]:
    """What the request ids of these drafts already stand for."""
    keys = list(dict.fromkeys((draft.user_id, draft.request_id) for draft in drafts if draft.request_id is not None))
    found: dict[_Key, tuple[bytes | None, Stored]] = {}
    for user_id, request_id, body_hash, message_id, name, seq, created, file_id, file_name, file_size in select_any(
        connection,
        "SELECT user_id, request_id, body_hash, message_id, session_id, seq, create_time, file_id, file_name, file_size"
        " FROM message WHERE {}",
        "user_id = ? AND request_id = ?",
        keys,
    ):
        head = heads.get(name)
        members = head.members if head is not None else {}
        stored = Stored(message_id, seq, created, members, file_id, file_name, file_size, True)
        found[user_id, request_id] = (bytes(body_hash) if body_hash is not None else None, stored)
    return found


def _read_files(connection: Connection, drafts: Sequence[Draft]) -> dict[str, tuple[str, int]]:
    """file_id -> owner and size of the files that the batch names."""
    names = list(dict.fromkeys(draft.file_id for draft in drafts if draft.claimed and draft.file_id))
    rows = select_in(connection, "SELECT file_id, user_id, file_size FROM file WHERE file_id IN ({})", names)
    return {file_id: (owner, size) for file_id, owner, size in rows}
