"""A conversation that goes on while something is done to the system, and its verdict."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tests.testbed.checker import Fault, History, check
from tests.testbed.client import Api, befriend, make_group
from tests.testbed.member import Member, PlainListener

PATIENCE = 30.0
"""Seconds that a client goes on repeating a send after the traffic has ended."""


@dataclass
class Traffic:
    """Four people, a group of them and a one-to-one conversation. Every person says one thing after another in each of its
    conversations; half of them send by HTTP."""

    api: Api
    members: list[Member] = field(default_factory=list)
    listeners: list[PlainListener] = field(default_factory=list)
    acknowledged: int = 0
    longest_silence: float = 0.0
    """Seconds between two acknowledgements, at most."""
    _writing: list[asyncio.Task[None]] = field(default_factory=list)
    _open: bool = True
    _last: float = 0.0

    async def begin(self, pause: float = 0.03) -> None:
        """`pause` in seconds between an acknowledgement and the next send of the same person in the same conversation."""
        people = [await self.api.register() for _ in range(4)]
        chats = [await befriend(people[0], person) for person in people[1:]]
        group = await make_group(*people)
        for place, person in enumerate(people):
            conversations = [group, *([chats[0]] if place < 2 else [])]
            self.members.append(Member(person, conversations, over_http=place % 2 == 1))
        self.listeners = [PlainListener(await self.api.login(person.nickname)) for person in people[:2]]
        self._last = time.monotonic()
        for member in self.members:
            for conversation in member.shelves:
                self._writing.append(asyncio.create_task(self._write(member, conversation, pause)))
            self._writing.append(asyncio.create_task(self._read(member)))

    async def _write(self, member: Member, conversation: str, pause: float) -> None:
        number = 0
        while self._open:
            number += 1
            words = f"{member.person.nickname} {number}"
            if await member.say(conversation, words, time.monotonic() + PATIENCE):
                now = time.monotonic()
                self.longest_silence = max(self.longest_silence, now - self._last)
                self._last = now
                self.acknowledged += 1
            await asyncio.sleep(pause)

    async def _read(self, member: Member) -> None:
        while self._open:
            await asyncio.sleep(0.25)
            for conversation in member.shelves:
                await member.mark_read(conversation)

    async def flow(self, messages: int, timeout: float = PATIENCE) -> None:
        """Returns when so many more messages were acknowledged."""
        goal = self.acknowledged + messages
        async with asyncio.timeout(timeout):
            while self.acknowledged < goal:
                for task in self._writing:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def end(self) -> list[Fault]:
        """Lets everybody finish and says what is wrong; nothing, if the system kept its promises."""
        self._open = False
        await asyncio.gather(*self._writing)
        await asyncio.gather(*(member.settle() for member in self.members))
        history = History(sent=[sent for member in self.members for sent in member.sent])
        for member in self.members:
            history.views += await member.views()
        by_conversation = {name: member for member in self.members for name in member.shelves}
        history.stored = {name: await member.stored(name) for name, member in by_conversation.items()}
        faults = check(history)
        for listener in self.listeners:
            await listener.close()
            faults += [
                Fault(
                    "doubled", conversation, f"a plain client of {listener.person.nickname} showed {message_id} twice"
                )
                for conversation, message_id in listener.shown_twice()
            ]
        unfinished = [sent for sent in history.sent if not sent.acknowledged]
        faults += [Fault("lost", sent.conversation, f"{sent.request_id} was never acknowledged") for sent in unfinished]
        return faults
