"""People who talk at a rate while parts of the system break: groups and one-to-one, by HTTP and by frames, on several
devices, existing clients among them; and the verdict on all that they saw."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

from tests.chaos.clerk import Clerk
from tests.chaos.pulse import Pulse
from tests.testbed.checker import History, check
from tests.testbed.client import Api, Person, befriend, make_group
from tests.testbed.member import Member, PlainListener

PEOPLE = 8
HEARTBEAT = 3.0
READING = 1.0
"""Seconds between two confirmations of what was read."""

Ports = tuple[int, int]


class Load:
    """`rate`: messages per second of all together. `patience`: seconds for which a send is repeated."""

    def __init__(self, host: str, gateways: Sequence[Ports], rate: float, patience: float) -> None:
        self._host = host
        self._gateways = list(gateways)
        self._rate = rate
        self._patience = patience
        self._open = True
        self._tasks: list[asyncio.Task[None]] = []
        self._apis: list[Api] = []
        self.acknowledged: list[float] = []
        """When sends were acknowledged, on time.monotonic."""
        self.members: list[Member] = []
        self.listeners: list[PlainListener] = []
        self.owner: Person

    def api(self, place: int) -> Api:
        """Operations at one of the gateways."""
        self._apis.append(Api(self._host, *self._gateways[place % len(self._gateways)]))
        return self._apis[-1]

    async def begin(self, pcm: bytes) -> None:
        """`pcm`: what the voice messages say."""
        people = [await self.api(place).register() for place in range(PEOPLE)]
        self.owner = people[0]
        chats = {person.user_id: await befriend(self.owner, person) for person in people[1:]}
        groups = [await make_group(self.owner, *people[1:4]), await make_group(self.owner, *people[3:6])]
        for place, person in enumerate(people):
            mine = [
                group for group, (first, last) in zip(groups, ((1, 4), (3, 6)), strict=True) if first <= place < last
            ]
            mine += groups if person is self.owner else []
            mine += list(chats.values())[:3] if person is self.owner else [chats[person.user_id]]
            self._add(person, mine, over_http=place % 2 == 1)
            if place % 3 == 0:  # a second device, at the other gateway, which only reads
                self._add(await self.api(place + 1).login(person.nickname), mine)
        for place in (0, 1, 4):
            person = await self.api(place + 1).login(people[place].nickname)
            self.listeners.append(PlainListener(person, self._gateways))
        writers = [member for member in self.members[:] if member.writes]
        lines = [(member, conversation) for member in writers for conversation in member.shelves]
        pause = len(lines) / self._rate
        for place, (member, conversation) in enumerate(lines):
            self._start(self._write(member, conversation, pause, pause * place / len(lines)))
        for member in self.members:
            self._start(self._read(member))
        self.clerk = Clerk(await self._pair(6), pcm)
        self.pulse = Pulse(await self._pair(0), self._gateways)
        self._start(self.clerk.run())
        self._start(self.pulse.run())

    async def _pair(self, place: int) -> tuple[Person, Person, str]:
        one, other = await self.api(place).register(), await self.api(place + 1).register()
        return one, other, await befriend(one, other)

    def _add(self, person: Person, conversations: list[str], *, over_http: bool | None = None) -> None:
        member = Talker(person, conversations, over_http=bool(over_http), gateways=self._gateways, heartbeat=HEARTBEAT)
        member.writes = over_http is not None
        self.members.append(member)

    def _start(self, work) -> None:  # type: ignore[no-untyped-def]
        self._tasks.append(asyncio.create_task(work))

    async def _write(self, member: Member, conversation: str, pause: float, delay: float) -> None:
        number = 0
        due = time.monotonic() + delay
        while self._open:
            await asyncio.sleep(due - time.monotonic())
            number += 1
            if await member.say(conversation, f"{member.person.nickname} {number}", due + self._patience):
                self.acknowledged.append(time.monotonic())
            due = max(due + pause, time.monotonic())

    async def _read(self, member: Member) -> None:
        while self._open:
            await asyncio.sleep(READING)
            for conversation in member.shelves:
                await member.mark_read(conversation)

    def watch(self) -> None:
        """Raises what a client of the load was ended by."""
        for task in self._tasks:
            if task.done():
                task.result()

    def longest_silence(self, since: float) -> float:
        """Seconds between two acknowledgements, at most, from then until now."""
        times = [since, *(moment for moment in self.acknowledged if moment >= since), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    async def end(self) -> list[str]:
        """Lets everybody finish and says what is wrong; nothing, if the system kept its promises."""
        self._open = False
        self.clerk.open = self.pulse.open = False
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*(member.settle() for member in self.members))
        history = History(sent=[sent for member in self.members for sent in member.sent])
        for member in self.members:
            history.views += await member.views()
        holders = {name: member for member in self.members for name in member.shelves}
        history.stored = {name: await member.stored(name) for name, member in holders.items()}
        faults = [f"{fault.kind} in {fault.conversation}: {fault.detail}" for fault in check(history)]
        faults += [f"{sent.request_id} was never acknowledged" for sent in history.sent if not sent.acknowledged]
        for listener in self.listeners:
            await listener.close()
            faults += [
                f"a plain client of {listener.person.nickname} showed {message_id} twice"
                for _, message_id in listener.shown_twice()
            ]
        faults += await self.clerk.verdict()
        await self.pulse.close()
        for api in self._apis:
            await api.close()
        return faults


class Talker(Member):
    """`writes`: whether somebody speaks through this device."""

    writes = False
