"""Catching up after a reconnect, against a real database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.protocol.store_pb2 import Cursor, SyncReq, SyncRsp
from services.stores.ports import Connection, Row
from tests.testbed.messaging import add_conversation, say, send, set_members, text
from tests.testbed.runtime import TestRuntime


async def sync(
    chat: TestRuntime, cursors: dict[str, int] | None = None, *, user: str = "ann", epoch: str = "", limit: int = 0
) -> SyncRsp:
    cursor = [Cursor(chat_session_id=name, seq=seq) for name, seq in (cursors or {}).items()]
    request = SyncReq(user_id=user, cursor=cursor, epoch=epoch, limit=limit)
    answer = await chat.clients.call("store", "Sync", request)
    assert isinstance(answer, SyncRsp)
    assert answer.success, answer.errmsg
    return answer


def seen(answer: SyncRsp) -> dict[str, list[int]]:
    return {delta.chat_session_id: [message.seq for message in delta.message] for delta in answer.delta}


async def test_a_client_gets_what_it_missed(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", *"abcd")
    await say(chat, "cid", "group", *"xy")
    answer = await sync(chat, {"pair": 2, "group": 2})
    assert seen(answer) == {"pair": [3, 4]}
    (delta,) = answer.delta
    assert (delta.contiguous, delta.last_seq, delta.unread, answer.complete) == (True, 4, 4, True)
    assert [message.info.message.string_message.content for message in delta.message] == ["c", "d"]
    assert delta.message[0].info.sender.nickname == "Bob"


async def test_a_new_client_gets_the_newest_of_every_conversation_the_latest_first(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", *map(str, range(40)))
    chat.clock.advance(5)
    await say(chat, "cid", "group", "x")
    answer = await sync(chat)
    assert list(seen(answer)) == ["group", "pair"]
    assert seen(answer) == {"pair": list(range(11, 41)), "group": [1]}
    assert [delta.contiguous for delta in answer.delta] == [True, False]


async def test_catching_up_in_several_answers_misses_nothing(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", *map(str, range(30)))
    await say(chat, "cid", "group", *map(str, range(30)))
    cursors = {"pair": 0, "group": 0}
    got: dict[str, list[int]] = {"pair": [], "group": []}
    for _ in range(20):
        answer = await sync(chat, cursors, limit=40)
        for name, seqs in seen(answer).items():
            got[name] += seqs
            cursors[name] = seqs[-1]
        if answer.complete:
            break
    assert got == {"pair": list(range(1, 31)), "group": list(range(1, 31))}


async def test_an_answer_that_would_be_too_large_is_completed_by_the_next(
    chat: TestRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.sync.MAX_BYTES", 100)
    monkeypatch.setattr("services.store.messages.CHUNK", 2)
    await say(chat, "bob", "pair", *(f"{number:060}" for number in range(7)))
    await say(chat, "bob", "group", "x")
    cursors = {"pair": 0, "group": 0}
    got: list[int] = []
    for _ in range(10):
        answer = await sync(chat, cursors)
        for name, seqs in seen(answer).items():
            got += seqs if name == "pair" else []
            cursors[name] = seqs[-1]
        if answer.complete:
            break
    assert got == list(range(1, 8))
    assert cursors == {"pair": 7, "group": 1}


async def test_cursors_of_another_epoch_are_ignored(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", *"abc")
    epoch = (await sync(chat)).epoch
    assert epoch
    assert seen(await sync(chat, {"pair": 3, "group": 0}, epoch=epoch)) == {}
    answer = await sync(chat, {"pair": 3, "left": 1}, epoch="another")
    assert seen(answer) == {"pair": [1, 2, 3]}
    assert answer.epoch == epoch
    assert list(answer.gone) == ["left"]


async def test_a_conversation_that_one_was_removed_from_is_gone(chat: TestRuntime) -> None:
    await say(chat, "bob", "group", "a", "b")
    await set_members(chat, "group", "bob", "cid")
    answer = await sync(chat, {"group": 1})
    assert (list(answer.gone), seen(answer)) == (["group"], {})


async def test_nobody_gets_what_is_not_theirs(chat: TestRuntime) -> None:
    await say(chat, "bob", "pair", "secret")
    answer = await sync(chat, {"pair": 0}, user="dan")
    assert (list(answer.gone), seen(answer)) == (["pair"], {})


async def test_own_messages_carry_their_request_ids(chat: TestRuntime) -> None:
    await send(chat, text("ann", "pair", "a", "r1"))
    await send(chat, text("bob", "pair", "b", "r2"))
    (delta,) = (await sync(chat)).delta
    assert [message.request_id for message in delta.message] == ["r1", ""]


class Counting:
    """A connection that counts the statements of a read."""

    def __init__(self, connection: Connection, statements: list[str]) -> None:
        self.dialect = connection.dialect
        self._connection = connection
        self._statements = statements

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self._statements.append(sql)
        return self._connection.execute(sql, parameters)


async def test_many_conversations_are_few_statements(chat: TestRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        await add_conversation(chat, f"c{number:03}", "ann", "bob")
        await say(chat, "bob", f"c{number:03}", "hello")
    statements: list[str] = []
    read: Any = chat.database.read

    async def counting(work: Any) -> Any:
        return await read(lambda connection: work(Counting(connection, statements)))

    monkeypatch.setattr(chat.database, "read", counting)
    answer = await sync(chat, {f"c{number:03}": 0 for number in range(100)})
    assert len(answer.delta) == 100
    assert len(statements) < 10
