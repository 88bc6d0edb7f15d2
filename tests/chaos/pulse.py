"""One person says something new again and again, and a friend at the other gateway is pushed it and finds it in the index."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Any

from tests.testbed.client import FrameDevice, Person, Refused
from tests.testbed.member import AWAY, Member, content_of
from tests.testbed.schema import CHAT_MESSAGE

BEAT = 0.25
PATIENCE = 3.0
"""Seconds after which a beat is given up; the next one begins."""


class Pushed(Member):
    """A member that knows what was pushed to it, as opposed to what it asked for."""

    def __init__(self, person: Person, conversations: list[str], gateways: Sequence[tuple[int, int]]) -> None:
        super().__init__(person, conversations, gateways=gateways, heartbeat=2.0)
        self.pushed: set[str] = set()

    def _take(self, frame: dict[str, Any], device: FrameDevice) -> None:
        event = frame["event"]
        if event and event["notify"]["notify_type"] == CHAT_MESSAGE:
            self.pushed.add(content_of(event["notify"]["new_message_info"]["message_info"]))
        super()._take(frame, device)


class Pulse:
    def __init__(self, pair: tuple[Person, Person, str], gateways: Sequence[tuple[int, int]]) -> None:
        one, other, self._chat = pair
        self._speaker = Member(one, [self._chat], gateways=gateways, heartbeat=2.0)
        self._listener = Pushed(other, [self._chat], gateways)
        self.open = True
        self.beats: list[tuple[float, float]] = []
        """When whole beats began and ended, on time.monotonic."""
        self.missing = ""
        """What the last beat that failed waited for."""

    async def run(self) -> None:
        while self.open:
            began = time.monotonic()
            if await self._beat(secrets.token_hex(6)):
                self.beats.append((began, time.monotonic()))
            await asyncio.sleep(BEAT)

    async def _beat(self, word: str) -> bool:
        deadline = time.monotonic() + PATIENCE
        if not await self._speaker.say(self._chat, word, deadline):
            self.missing = "an acknowledgement"
            return False
        self.missing = "the push"
        while word not in self._listener.pushed:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        self._listener.pushed.clear()
        self.missing = "the search index"
        while not await self._found(word):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        self.missing = ""
        return True

    async def _found(self, word: str) -> bool:
        with contextlib.suppress(*AWAY, Refused):
            async with asyncio.timeout(PATIENCE):
                answer = await self._listener.person.call("search_messages", search_key=word)
                return bool(answer["message"]) and not answer["degraded"]
        return False

    def whole_since(self, since: float) -> float | None:
        """When the first beat that began after `since` was whole."""
        return next((ended for began, ended in self.beats if began >= since), None)

    async def close(self) -> None:
        await self._speaker.close()
        await self._listener.close()
