"""Laws of sending, for any interleaving of sends, repetitions and crashes around the commit."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from services.protocol.base_pb2 import STRING
from services.runtime.refusal import Refusal
from services.stores.ports import Connection, Database, StoreError
from services.transmit.batch import OTHER_BODY, Refused, Stored, store_batch
from services.transmit.draft import Draft, digest
from services.transmit.membership import MemberLists
from services.transmit.pipeline import Pipeline
from tests.testbed.runtime import migrated_database

PEOPLE = ("ann", "bob")
CONVERSATIONS = ("one", "two")


@dataclass(frozen=True)
class Send:
    sender: str
    conversation: str
    request_id: str
    text: str

    @property
    def draft(self) -> Draft:
        body = digest(self.conversation, STRING, self.text.encode())
        return Draft(self.sender, self.conversation, self.request_id, body, STRING, text=self.text)


sends = st.builds(
    Send,
    st.sampled_from(PEOPLE),
    st.sampled_from(CONVERSATIONS),
    st.sampled_from([f"r{number}" for number in range(6)]),
    st.sampled_from(["a", "b"]),
)
turns = st.lists(st.lists(sends, max_size=5), min_size=1, max_size=8)
crashes = st.lists(st.sampled_from(["no", "no", "before the commit", "after the commit"]), max_size=10)


class Process:
    """One life of the transmit service: a new one knows nothing of the last but the database."""

    def __init__(self, database: Database, next_crash: Callable[[], str], max_batch: int) -> None:
        self._database = database
        self._next_crash = next_crash
        self._members = MemberLists()
        self.pipeline = Pipeline(self._write, max_batch=max_batch, queue_limit=1000)

    async def _write(self, drafts: Sequence[Draft], doubtful: bool) -> Sequence[Stored | Refused]:
        crash = self._next_crash()

        def work(connection: Connection) -> Sequence[Stored | Refused]:
            result = store_batch(
                connection, drafts, now=1, remembered=self._members.get, feeds_search=False, doubtful=doubtful
            )
            if crash == "before the commit":
                raise StoreError("crashed")
            members.update(result.members)
            return result.outcomes

        members: dict[str, tuple[int, dict[str, None]]] = {}
        outcomes = await self._database.write(work, concurrent=True)
        self._members.remember(members)
        if crash == "after the commit":
            raise StoreError("crashed")
        return outcomes


async def deliver(line: Pipeline, send: Send) -> tuple[Send, Stored | str | None]:
    """The outcome of one attempt: stored, refused with a reason, or None when nobody knows."""
    try:
        return send, await line.submit(send.draft)
    except Refusal as refusal:
        return send, None if refusal.retry_after else refusal.message


@settings(max_examples=40, deadline=None)
@given(turns, crashes, st.integers(1, 6))
def test_acknowledged_messages_are_never_lost_doubled_or_reordered(
    turns: list[list[Send]], crashes: list[str], max_batch: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_check(Path(folder) / "chat.db", turns, list(crashes), max_batch))


async def _check(path: Path, turns: list[list[Send]], crashes: list[str], max_batch: int) -> None:
    with migrated_database(path) as open_database:
        database = await open_database()
        try:
            await database.write(_populate)
            acknowledged = await _run(database, turns, crashes, max_batch)
            await _judge(database, acknowledged)
        finally:
            await database.close()


def _populate(connection: Connection) -> None:
    connection.insert_many(
        "chat_session", ("chat_session_id", "chat_session_type", "created_at"), [(name, 2, 0) for name in CONVERSATIONS]
    )
    connection.insert_many(
        "chat_session_member",
        ("chat_session_id", "user_id", "joined_at"),
        [(name, person, 0) for name in CONVERSATIONS for person in PEOPLE],
    )


async def _run(
    database: Database, turns: list[list[Send]], crashes: list[str], max_batch: int
) -> list[list[tuple[Send, Stored]]]:
    """Sends each turn at once, repeats what nobody knows in a new process, and returns what was acknowledged when."""

    def next_crash() -> str:
        return crashes.pop(0) if crashes else "no"

    process = Process(database, next_crash, max_batch)
    acknowledged: list[list[tuple[Send, Stored]]] = []
    for turn in turns:
        waiting = turn
        while waiting:
            results = await asyncio.gather(*(deliver(process.pipeline, send) for send in waiting))
            acknowledged.append([(send, result) for send, result in results if isinstance(result, Stored)])
            assert {result for _, result in results if isinstance(result, str)} <= {OTHER_BODY}
            waiting = [send for send, result in results if result is None]
            if waiting:
                process = Process(database, next_crash, max_batch)
    return acknowledged


async def _judge(database: Database, acknowledged: list[list[tuple[Send, Stored]]]) -> None:
    rows = await database.read(
        lambda connection: connection.execute(
            "SELECT session_id, seq, user_id, request_id, content, message_id FROM message ORDER BY session_id, seq"
        )
    )
    heads = await database.read(
        lambda connection: connection.execute("SELECT chat_session_id, last_seq FROM chat_session")
    )
    seqs: dict[str, list[int]] = defaultdict(list)
    for name, seq, *_ in rows:
        seqs[name].append(seq)
    for name, last_seq in heads:
        assert seqs[name] == list(range(1, last_seq + 1)), "sequence numbers have no gaps"
    keys = [(user_id, request_id) for _, _, user_id, request_id, _, _ in rows]
    assert len(set(keys)) == len(keys), "one message for each request id"

    kept = {(user, request): (name, seq, content, id_) for name, seq, user, request, content, id_ in rows}
    newest: dict[str, int] = defaultdict(int)
    for turn in acknowledged:
        for send, stored in turn:
            expected = (send.conversation, stored.seq, send.text, stored.message_id)
            assert kept[send.sender, send.request_id] == expected, "what was acknowledged is what is stored"
        fresh = [(send.conversation, stored.seq) for send, stored in turn if not stored.duplicate]
        for name, seq in fresh:
            assert seq > newest[name], "what was sent after an acknowledgement comes after it"
        for send, stored in turn:
            newest[send.conversation] = max(newest[send.conversation], stored.seq)
