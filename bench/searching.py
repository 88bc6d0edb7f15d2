"""What searches see, and when: the time from a send to its being found, and whether searches are answered while the index is
built anew."""

from __future__ import annotations

import asyncio
import secrets
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.population import Pair, Population
from bench.report import milliseconds
from bench.samples import percentile
from bench.subject import Subject
from services.protocol.base_pb2 import MessageContent, StringMessageInfo
from services.protocol.store_pb2 import MsgSearchReq, MsgSearchRsp
from services.protocol.transmit_pb2 import NewMessageReq, NewMessageRsp

EVERY = 0.05
"""Seconds between two messages that are looked for, and at least between two searches."""
PATIENCE = 30.0
"""Seconds after which what was not found counts as lost."""


class Watch:
    """Sends messages and looks for them. `seconds`: how long it sends."""

    def __init__(self, people: Population, subject: Subject, seconds: float) -> None:
        self._pair = people.away[0]
        self._subject = subject
        self._seconds = seconds
        self.found: array[float] = array("d")

    def __call__(self) -> None:
        """Raises AssertionError if something is not found."""
        asyncio.run(self._watch())

    def __str__(self) -> str:
        return (
            f"sent to searchable under load: p50 {milliseconds(percentile(self.found, 0.5))} ms,"
            f" p99 {milliseconds(percentile(self.found, 0.99))} ms of {len(self.found)} messages"
        )

    async def _watch(self) -> None:
        word = f"needle{secrets.token_hex(3)}"
        waiting: dict[str, float] = {}
        async with _asking(self._subject, self._pair) as asking:
            sending = asyncio.create_task(self._send(asking, word, waiting))
            deadline = time.monotonic() + self._seconds + PATIENCE
            while waiting or not sending.done():
                assert time.monotonic() < deadline, f"{len(waiting)} messages were not found within {PATIENCE:g} s"
                texts = {text for text, _ in await asking.search(word)}
                now = time.monotonic()
                for text in texts & waiting.keys():
                    self.found.append(now - waiting.pop(text))
                await asyncio.sleep(EVERY)
            await sending

    async def _send(self, asking: _Asking, word: str, waiting: dict[str, float]) -> None:
        began = time.monotonic()
        number = 0
        while time.monotonic() < began + self._seconds:
            number += 1
            text = f"{word} {number}"
            await asking.send(text)
            waiting[text] = time.monotonic()
            await asyncio.sleep(EVERY)


def rebuild(people: Population, subject: Subject) -> str:
    """Builds the index anew and searches meanwhile. Raises AssertionError if a search finds nothing or fails."""
    documents = len(people.away) * people.past
    began = time.monotonic()
    answered = asyncio.run(_meanwhile(people, subject, lambda: subject.system.tool("rebuild-index", timeout=300.0)))
    elapsed = time.monotonic() - began
    return f"index rebuild: {documents / elapsed:,.0f} documents/s, {answered} searches answered meanwhile"


async def _meanwhile(people: Population, subject: Subject, work: Callable[[], None]) -> int:
    """How many searches were answered while it was done."""
    working = asyncio.create_task(asyncio.to_thread(work))
    answered = 0
    async with _asking(subject, people.away[0]) as asking:
        while not working.done():
            assert await asking.search("number 7,"), "a search found nothing during the rebuild"
            answered += 1
            await asyncio.sleep(EVERY)
    await working
    return answered


class _Asking:
    """One person's sends and searches over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, pair: Pair) -> None:
        self._session = session
        self._pair = pair

    async def send(self, text: str) -> None:
        content = MessageContent(string_message=StringMessageInfo(content=text))
        request = NewMessageReq(
            request_id=secrets.token_hex(8),
            session_id=self._pair.sender.token,
            chat_session_id=self._pair.chat_session_id,
            message=content,
        )
        answer = await self._call("message_transmit/new_message", request, NewMessageRsp)
        assert answer.success, answer.errmsg

    async def search(self, key: str) -> list[tuple[str, int]]:
        """Text and time of the messages that were found."""
        request = MsgSearchReq(
            session_id=self._pair.receiver.token, chat_session_id=self._pair.chat_session_id, search_key=key
        )
        answer = await self._call("message_storage/search_history", request, MsgSearchRsp)
        assert answer.success, answer.errmsg
        return [(each.message.string_message.content, each.timestamp) for each in answer.msg_list]

    async def _call(self, path: str, request: Any, response: Any) -> Any:
        async with self._session.post(f"/service/{path}", data=request.SerializeToString()) as answer:
            return response.FromString(await answer.read())


@asynccontextmanager
async def _asking(subject: Subject, pair: Pair) -> AsyncIterator[_Asking]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{subject.gateways[0][0]}") as session:
        yield _Asking(session, pair)
