"""A well-behaved client of one person, as docs/protocol.md wants it: it reconnects, repeats sends under the same request id,
joins events by sequence number and synchronises where they do not join. What it saw and did is kept for the checker."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.testbed.checker import Seen, Sent, View
from tests.testbed.client import FrameDevice, Person, Refused, new_request_id
from tests.testbed.http import Disconnected
from tests.testbed.schema import CHAT_MESSAGE, text
from tests.testbed.websocket import Closed, HandshakeRefused

AWAY = (Closed, Disconnected, HandshakeRefused, TimeoutError, OSError)
"""The server is not there now; a client tries again."""

_LATER = ("暂不可用", "稍后", "繁忙")
"""Words of refusals that a client repeats."""

_PAUSE = 0.1


def content_of(info: dict[str, Any]) -> str:
    return info["message"]["string_message"]["content"]


@dataclass
class Shelf:
    """What a client holds of one conversation."""

    messages: list[Seen] = field(default_factory=list)
    read_positions: list[int] = field(default_factory=list)

    @property
    def cursor(self) -> int:
        return self.messages[-1].seq if self.messages else 0


class Member:
    """`person` on one device that speaks frames. `over_http` sends by HTTP instead of the socket. `gateways`: HTTP and
    WebSocket ports of all that there are; whom one of them leaves goes to the next, and the person's `api` is then its
    own. `heartbeat`: seconds between two pings, and for how long an answer is waited for; 0 for none."""

    def __init__(
        self,
        person: Person,
        conversations: list[str],
        *,
        over_http: bool = False,
        gateways: Sequence[tuple[int, int]] = (),
        heartbeat: float = 0.0,
    ) -> None:
        self.person = person
        self.over_http = over_http
        self._gateways = list(gateways)
        self._heartbeat = heartbeat
        self.shelves = {conversation: Shelf() for conversation in conversations}
        self.sent: list[Sent] = []
        self.reconnects = 0
        self.setbacks: list[str] = []
        """Why sends had to be repeated."""
        self._device: FrameDevice | None = None
        self._connected = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                device = await self.person.connect()
                async with self._pinging(device):
                    await self._catch_up(device)
                    self._device = device
                    self._connected.set()
                    while True:
                        self._take(await device.next(timeout=3600.0), device)
                        device.forget()
                        if self._behind:
                            await self._catch_up(device)
            except AWAY:
                self.reconnects += 1
                self._connected.clear()
                self._turn_to_another()
                await asyncio.sleep(_PAUSE)

    @contextlib.asynccontextmanager
    async def _pinging(self, device: FrameDevice) -> AsyncIterator[None]:
        """Breaks the connection when a ping is not answered."""

        async def ping() -> None:
            while True:
                await asyncio.sleep(self._heartbeat)
                try:
                    await device.ask("ping", "pong", self._heartbeat)
                except AWAY:
                    device.cut()
                    return

        pinging = asyncio.create_task(ping()) if self._heartbeat else None
        try:
            yield
        finally:
            if pinging is not None:
                pinging.cancel()

    def _turn_to_another(self) -> None:
        if self._gateways:
            here = (self.person.api.http_port, self.person.api.websocket_port)
            others = [ports for ports in self._gateways if ports != here] or self._gateways
            self.person.api.move(*random.choice(others))

    _behind = False

    def _take(self, frame: dict[str, Any], device: FrameDevice) -> None:
        event, read = frame["event"], frame["read"]
        if event and event["notify"]["notify_type"] == CHAT_MESSAGE:
            self._add(event["notify"]["new_message_info"]["message_info"], event["seq"])
        elif read and read["user_id"] == self.person.user_id and read["chat_session_id"] in self.shelves:
            positions = self.shelves[read["chat_session_id"]].read_positions
            # Pushes of several gateways may overtake each other; a client goes by the highest.
            positions.append(max([read["read_seq"], *positions[-1:]]))

    def _add(self, info: dict[str, Any], seq: int) -> None:
        shelf = self.shelves.get(info["chat_session_id"])
        if shelf is None or seq <= shelf.cursor:
            return
        if seq == shelf.cursor + 1:
            shelf.messages.append(Seen(seq, info["message_id"], info["sender"]["user_id"], content_of(info)))
        else:
            self._behind = True

    async def _catch_up(self, device: FrameDevice) -> None:
        self._behind = False
        while True:
            answer = await device.sync({name: shelf.cursor for name, shelf in self.shelves.items()})
            if not answer["success"]:
                await asyncio.sleep(_PAUSE)
                continue
            for delta in answer["delta"]:
                messages = [(message["info"], message["seq"]) for message in delta["message"]]
                if messages and not delta["contiguous"] and delta["chat_session_id"] in self.shelves:
                    messages = await self._page_back(delta["chat_session_id"], messages[0][1]) + messages
                for info, seq in messages:
                    self._add(info, seq)
            assert not self._behind or not answer["complete"], "a complete answer left a gap"
            if answer["complete"]:
                return

    async def _page_back(self, conversation: str, before: int) -> list[tuple[dict[str, Any], int]]:
        """The messages between the newest one that it has and `before`, which a long absence left out."""
        found: list[tuple[dict[str, Any], int]] = []
        while before > self.shelves[conversation].cursor + 1:
            try:
                page = await self.person.call("get_page", chat_session_id=conversation, before_seq=before, limit=1000)
            except Refused as refused:
                if not passes(refused.text):
                    raise
                await asyncio.sleep(_PAUSE)
                continue
            found[:0] = [(item["info"], item["seq"]) for item in page["message"]]
            before = found[0][1]
        return found

    async def say(self, conversation: str, words: str, deadline: float) -> bool:
        """Sends until it is acknowledged or `deadline` (monotonic) has passed. Raises Refused for a final refusal."""
        request_id = new_request_id()
        seq = None
        acknowledged = False
        while not acknowledged and time.monotonic() < deadline:
            try:
                if self.over_http:
                    await self.person.send(conversation, text(words), request_id)
                    acknowledged = True
                else:
                    async with asyncio.timeout(5.0):
                        await self._connected.wait()
                    assert self._device is not None
                    ack = await self._device.send(conversation, text(words), request_id)
                    acknowledged, seq = ack["success"], ack["seq"] or None
                    if not acknowledged:
                        if not ack["retry_after_ms"] and not passes(ack["errmsg"]):
                            raise Refused(ack["errmsg"])
                        self.setbacks.append(ack["errmsg"])
                        await asyncio.sleep(ack["retry_after_ms"] / 1000)
            except AWAY as away:
                self.setbacks.append(repr(away))
                if self.over_http:
                    self._turn_to_another()
                await asyncio.sleep(_PAUSE)
            except Refused as refused:
                if not passes(refused.text):
                    raise
                self.setbacks.append(refused.text)
                await asyncio.sleep(_PAUSE)
        self.sent.append(Sent(conversation, self.person.user_id, request_id, words, acknowledged, seq))
        return acknowledged

    async def mark_read(self, conversation: str) -> None:
        """Confirms what it holds; does nothing while the server is away."""
        shelf = self.shelves[conversation]
        if self._device is None or not self._connected.is_set() or not shelf.cursor:
            return
        known = max(shelf.read_positions, default=0)
        try:
            answer = await self._device.mark_read(conversation, shelf.cursor)
        except AWAY:
            return
        if answer["success"]:
            position = answer["read_seq"]
            # A push may have overtaken the answer, but the answer is never behind what was known when it was asked for.
            shelf.read_positions.append(position if position < known else max([position, *shelf.read_positions[-1:]]))

    async def settle(self) -> None:
        """Catches up with everything on a connection that works."""
        await self.close()
        device = await self.person.connect()
        await self._catch_up(device)
        await device.close()

    async def views(self) -> list[View]:
        """What it holds now, with the counts that the server states."""
        stated = await self.person.conversations()
        return [
            View(
                name,
                self.person.user_id,
                list(shelf.messages),
                list(shelf.read_positions),
                stated[name]["unread"],
                stated[name]["read_seq"],
            )
            for name, shelf in self.shelves.items()
        ]

    async def stored(self, conversation: str) -> list[Seen]:
        """The server's history, through all pages."""
        found: list[Seen] = []
        before = 0
        while True:
            page = await self.person.call("get_page", chat_session_id=conversation, before_seq=before, limit=1000)
            found[:0] = [
                Seen(
                    item["seq"], item["info"]["message_id"], item["info"]["sender"]["user_id"], content_of(item["info"])
                )
                for item in page["message"]
            ]
            if not page["more"]:
                return found
            before = found[0].seq

    async def close(self) -> None:
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        if self._device is not None:
            await self._device.close()


class PlainListener:
    """An existing client: reconnects and shows what arrives, without any means to recognise a repetition. `gateways` as of
    Member."""

    def __init__(self, person: Person, gateways: Sequence[tuple[int, int]] = ()) -> None:
        self.person = person
        self._gateways = gateways
        self.shown: list[tuple[str, str]] = []
        """Conversation and message id, in the order of showing."""
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                device = await self.person.listen()
                while True:
                    message = await device.next(timeout=3600.0)
                    device.forget()
                    if message["notify_type"] == CHAT_MESSAGE:
                        info = message["new_message_info"]["message_info"]
                        self.shown.append((info["chat_session_id"], info["message_id"]))
            except AWAY:
                if self._gateways:
                    self.person.api.move(*random.choice(self._gateways))
                await asyncio.sleep(_PAUSE)

    def shown_twice(self) -> set[tuple[str, str]]:
        return {entry for entry, count in Counter(self.shown).items() if count > 1}

    async def close(self) -> None:
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running


def passes(words: str) -> bool:
    """Whether a refusal with these words is one that a client repeats."""
    return any(word in words for word in _LATER)
