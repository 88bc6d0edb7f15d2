"""One person who stores files and sends voice messages to a friend; both must be there in the end, each once."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from typing import Any

from tests.chaos.world import WORDS
from tests.testbed.client import Person, Refused, new_request_id
from tests.testbed.member import AWAY, passes
from tests.testbed.schema import voice

FILE_PAUSE = 0.5
VOICE_PAUSE = 10.0
HEARING = 60.0
"""Seconds within which the last voice message has its transcript."""


class Clerk:
    """Everything is repeated under its request id until it is acknowledged."""

    def __init__(self, pair: tuple[Person, Person, str], pcm: bytes) -> None:
        self._one, self._other, self._chat = pair
        self._pcm = pcm
        self.open = True
        self.files: dict[str, bytes] = {}
        """What was acknowledged as stored: content by file id."""
        self.voices = 0

    async def run(self) -> None:
        spoken = 0.0
        while self.open:
            content = secrets.token_bytes(2048)
            answer = await self._insist("put_single_file", file_data={"file_name": "f", "file_content": content})
            self.files[answer["file_info"]["file_id"]] = content
            if time.monotonic() - spoken > VOICE_PAUSE:
                spoken = time.monotonic()
                await self._insist("new_message", chat_session_id=self._chat, message=voice(self._pcm))
                self.voices += 1
            await asyncio.sleep(FILE_PAUSE)

    async def _insist(self, name: str, **fields: Any) -> dict[str, Any]:
        request_id = new_request_id()
        while True:
            try:
                return await self._one.call(name, request_id=request_id, **fields)
            except AWAY:
                await asyncio.sleep(0.2)
            except Refused as refused:
                if not passes(refused.text):
                    raise
                await asyncio.sleep(0.2)

    async def verdict(self) -> list[str]:
        """What is missing, doubled or wrong of it."""
        faults = []
        for file_id, content in self.files.items():
            answer = await self._one.call("get_single_file", file_id=file_id)
            if answer["file_data"]["file_content"] != content:
                faults.append(f"file {file_id} is not what was stored")
        deadline = time.monotonic() + HEARING
        while True:
            heard = await self._transcripts()
            if (len(heard) == self.voices and all(heard.values())) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
        if len(heard) != self.voices:
            faults.append(f"{self.voices} voice messages were sent, {len(heard)} are there")
        faults += [
            f"voice message {seq} was heard as {text!r}"
            for seq, text in heard.items()
            if text.replace(" ", "") != WORDS
        ]
        return faults

    async def _transcripts(self) -> dict[int, str]:
        found: dict[int, str] = defaultdict(str)
        page = await self._other.call("get_page", chat_session_id=self._chat, before_seq=0, limit=1000)
        for item in page["message"]:
            found[item["seq"]] = item["transcript"]
        return dict(found)
