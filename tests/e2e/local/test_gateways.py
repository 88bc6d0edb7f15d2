"""Several gateways on production stores: every device of a person hears everything once wherever it is connected, and what
becomes of its clients when a gateway dies, stands still, or comes back from a long pause."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest
import redis

from tests.testbed.checker import Seen
from tests.testbed.client import Api, Device, FrameDevice, Person, befriend, make_group
from tests.testbed.member import AWAY
from tests.testbed.process import wait_for
from tests.testbed.production import DATABASE, ProductionStores, production_stores
from tests.testbed.schema import CHAT_MESSAGE, text
from tests.testbed.scrape import Scrape
from tests.testbed.system import System

pytestmark = pytest.mark.timeout(300)

PRESENCE = 12
"""Seconds; a busy machine may hold a process up for a few without its being taken for one that stood still."""
PEOPLE, DEVICES = 40, 50
"""For the rush of reconnects."""
GATEWAYS = ("gateway", "gateway-2", "gateway-3")


@pytest.fixture(scope="module")
def stores() -> Iterator[ProductionStores]:
    with production_stores() as running:
        yield running


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, stores: ProductionStores) -> Iterator[System]:
    one = System(
        tmp_path_factory.mktemp("gateways"),
        split=True,
        replicas={"gateway": len(GATEWAYS), "transmit": 2},
        settings={
            "CHATSYSTEM_GATEWAY_PRESENCE_LIFETIME": f"{PRESENCE}s",
            "CHATSYSTEM_GATEWAY_MAX_USER_CONNECTIONS": str(2 * DEVICES),
        },
        stores=stores,
    ).start()
    yield one
    one.stop()
    one.assert_clean()


@pytest.fixture
async def apis(system: System) -> AsyncIterator[list[Api]]:
    """The operations of each gateway, all of which run."""
    for name in GATEWAYS:
        if not system.processes[name].running:
            system.restart(name)
    await asyncio.to_thread(system.wait_ready)
    made = [Api(system.host, *system.gateway_ports[name]) for name in GATEWAYS]
    yield made
    for api in made:
        await api.close()


async def devices_everywhere(apis: list[Api], person: Person) -> tuple[list[Device], list[FrameDevice]]:
    """One that speaks frames and a plain one at each gateway."""
    sessions = [Person(api, person.nickname, person.session_id, person.user_id) for api in apis]
    plain = [await session.listen() for session in sessions]
    frames = [await session.connect() for session in sessions]
    return plain, frames


def instances(stores: ProductionStores, person: Person) -> set[str]:
    """The gateways that the person is written down for."""
    with redis.Redis("127.0.0.1", stores.redis.port, password=stores.redis.password) as client:
        return {member.decode() for member in client.smembers(f"presence:{person.user_id}")}


def instance_of(system: System, gateway: str) -> str:
    return system.processes[gateway]._environment["CHATSYSTEM_INSTANCE"]


def words_of(notification: dict[str, object]) -> str:
    return notification["new_message_info"]["message_info"]["message"]["string_message"]["content"]  # type: ignore[index]


async def test_every_device_of_a_member_gets_every_message_once(apis: list[Api]) -> None:
    people = [await api.register() for api in apis]
    for person in people[1:]:
        await befriend(people[0], person)
    group = await make_group(*people)
    senders = [await person.connect() for person in people]
    everywhere = [await devices_everywhere(apis, person) for person in people]
    for number in range(10):
        for place, sender in enumerate(senders):
            assert (await sender.send(group, text(f"{place} {number}")))["success"]
    assert (await senders[0].send(group, text("last")))["success"]
    expected = [f"{place} {number}" for number in range(10) for place in range(len(people))]
    for plain, frames in everywhere:
        for device in plain:
            said = [words_of(await device.notification(CHAT_MESSAGE, 30.0)) for _ in range(31)]
            assert said == [*expected, "last"]
        for device in frames:
            assert [(await device.message(30.0))["seq"] for _ in range(31)] == list(range(1, 32))
    await asyncio.sleep(0.2)
    for plain, frames in everywhere:
        assert [each for device in plain for each in device.pending() if each["new_message_info"]] == []
        assert [each for device in frames for each in device.pending() if each["event"]] == []
        for device in (*plain, *frames):
            await device.close()


async def test_what_is_read_on_one_device_is_read_on_all_others_at_once(apis: list[Api]) -> None:
    one, other = await apis[0].register(), await apis[1].register()
    chat = await befriend(one, other)
    _, frames = await devices_everywhere(apis, other)
    for number in range(5):
        await one.send(chat, text(f"{number}"))
    for device in frames:
        assert [(await device.message(30.0))["seq"] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert (await other.conversations())[chat]["unread"] == 5
    assert (await frames[0].mark_read(chat, 3))["success"]
    for device in frames[1:]:
        told = await device.wait(lambda frame: frame["read"], 30.0)
        assert (told["chat_session_id"], told["user_id"], told["read_seq"]) == (chat, other.user_id, 3)
    assert (await frames[2].mark_read(chat, 5))["success"]
    for device in frames[:2]:
        told = await device.wait(lambda frame: frame["read"] and frame["read"]["read_seq"] == 5 and frame["read"], 30.0)
        assert told["user_id"] == other.user_id
    for api in apis:
        there = Person(api, other.nickname, other.session_id, other.user_id)
        assert (await there.conversations())[chat]["unread"] == 0
    for device in frames:
        await device.close()


async def test_the_clients_of_a_killed_gateway_are_served_elsewhere(
    apis: list[Api], system: System, stores: ProductionStores
) -> None:
    one, other = await apis[0].register(), await apis[0].register()
    chat = await befriend(one, other)
    there = Person(apis[1], other.nickname, other.session_id, other.user_id)
    device = await there.connect()
    assert instances(stores, other) == {instance_of(system, "gateway-2")}
    await one.send(chat, text("before"))
    assert (await device.message(30.0))["seq"] == 1
    system.processes["gateway-2"].kill()
    assert (await device.closing(30.0)).code == 1006
    await one.send(chat, text("between"))
    elsewhere = Person(apis[2], other.nickname, other.session_id, other.user_id)
    back = await elsewhere.connect()
    (delta,) = (await back.sync({chat: 1}))["delta"]
    assert [message["seq"] for message in delta["message"]] == [2]
    await one.send(chat, text("after"))
    assert (await back.message(30.0))["seq"] == 3
    # The first push that found nobody took the lost gateway off.
    await asyncio.to_thread(
        wait_for, lambda: instances(stores, other) == {instance_of(system, "gateway-3")}, 30.0, "the lost one is off"
    )
    await back.close()


async def test_a_gateway_that_stood_still_sends_its_clients_away_and_shows_them_nothing_old(
    apis: list[Api], system: System, stores: ProductionStores
) -> None:
    one, other = await apis[0].register(), await apis[0].register()
    chat = await befriend(one, other)
    there = Person(apis[1], other.nickname, other.session_id, other.user_id)
    plain, device = await there.listen(), await there.connect()
    await one.send(chat, text("before"))
    assert words_of(await plain.notification(CHAT_MESSAGE, 30.0)) == "before"
    assert (await device.message(30.0))["seq"] == 1

    system.processes["gateway-2"].signal(signal.SIGSTOP)
    await one.send(chat, text("while it is counted on"))
    await asyncio.to_thread(wait_for, lambda: not instances(stores, other), 60.0, "its presence has expired")
    await one.send(chat, text("while it is not"))
    elsewhere = Person(apis[2], other.nickname, other.session_id, other.user_id)
    back = await elsewhere.connect()
    (delta,) = (await back.sync({chat: 1}))["delta"]
    assert [message["seq"] for message in delta["message"]] == [2, 3]

    system.processes["gateway-2"].signal(signal.SIGCONT)
    assert (await plain.closing(30.0)).code == 1012
    assert (await device.closing(30.0)).code == 1012
    assert [each for each in plain.pending() if each["new_message_info"]] == []
    assert [each for each in device.pending() if each["event"]] == []
    again = await there.connect()
    await one.send(chat, text("after"))
    for each in (back, again):
        assert (await each.message(30.0))["seq"] == 4
        assert [frame for frame in each.pending() if frame["event"]] == []
        await each.close()


@dataclass
class Follower:
    """A device that goes from gateway to gateway until one takes it, and keeps what it shows of one conversation."""

    session_id: str
    chat: str
    shown: list[Seen] = field(default_factory=list)
    connections: int = 0
    device: FrameDevice | None = None

    async def begin(self, api: Api, crowd: asyncio.Semaphore) -> None:
        """Connects there and nowhere else."""
        async with crowd:
            while self.device is None:
                with contextlib.suppress(*AWAY):
                    await self._connect(api)

    async def follow(self, apis: Iterator[Api]) -> None:
        """Shows what comes, and connects to one after the other when the connection is lost."""
        while True:
            try:
                device = self.device or await self._connect(next(apis))
                while True:
                    event = await device.message(3600.0)
                    if event["seq"] == self.cursor + 1:
                        self._show(event["notify"]["new_message_info"]["message_info"], event["seq"])
                    elif event["seq"] > self.cursor:
                        await self._catch_up(device)
            except AWAY:
                self.device = None
                await asyncio.sleep(secrets.randbelow(500) / 1000)

    async def _connect(self, api: Api) -> FrameDevice:
        device = await Person(api, "", self.session_id).connect()
        await self._catch_up(device)
        self.connections += 1
        self.device = device
        return device

    @property
    def cursor(self) -> int:
        return self.shown[-1].seq if self.shown else 0

    async def _catch_up(self, device: FrameDevice) -> None:
        answer: dict[str, object] = {"complete": False}
        while not answer["complete"]:
            answer = await device.sync({self.chat: self.cursor})
            for delta in answer["delta"]:  # type: ignore[attr-defined]
                for message in delta["message"] if delta["chat_session_id"] == self.chat else ():
                    if message["seq"] > self.cursor:
                        self._show(message["info"], message["seq"])

    def _show(self, info: dict[str, object], seq: int) -> None:
        words = info["message"]["string_message"]["content"]  # type: ignore[index]
        self.shown.append(Seen(seq, info["message_id"], info["sender"]["user_id"], words))  # type: ignore[arg-type,index]


def log_in(stores: ProductionStores, person: Person, count: int) -> list[str]:
    """So many login sessions of a person, written as a login writes them: hashing their passwords would take minutes."""
    tokens = [secrets.token_urlsafe(32) for _ in range(count)]
    now = int(time.time() * 1000)
    rows = ", ".join(
        f"('{hashlib.sha256(token.encode()).hexdigest()}', '{person.user_id}', {now}, {now + 86_400_000 * 30})"
        for token in tokens
    )
    stores.mysql.run(
        f"INSERT INTO {DATABASE}.login_session (token_hash, user_id, created_at, expires_at) VALUES {rows}"
    )
    return tokens


async def test_two_thousand_clients_come_back_after_a_gateway_was_killed_and_the_database_is_not_asked_for_one_of_them(
    apis: list[Api], system: System, stores: ProductionStores
) -> None:
    people = [await apis[0].register() for _ in range(PEOPLE)]
    pairs = list(zip(people[::2], people[1::2], strict=True))
    followers: list[Follower] = []
    chats: list[tuple[Person, str]] = []
    for one, other in pairs:
        chat = await befriend(one, other)
        chats.append((one, chat))
        for person in (one, other):
            tokens = await asyncio.to_thread(log_in, stores, person, DEVICES)
            followers += [Follower(token, chat) for token in tokens]
    lost, others = apis[1], (apis[2], apis[0])
    crowd = asyncio.Semaphore(50)
    await asyncio.gather(*(each.begin(lost, crowd) for each in followers))
    tasks = [asyncio.create_task(each.follow(itertools.cycle(others))) for each in followers]
    try:
        said = 0

        async def say_something() -> None:
            nonlocal said
            said += 1
            await asyncio.gather(*(one.send(chat, text(f"{said}")) for one, chat in chats))

        user = system._metrics_ports["user"]
        for _ in range(2):
            await say_something()
        before = Scrape(user)
        system.processes["gateway-2"].kill()
        while not all(each.connections >= 2 for each in followers):
            failed = [task for task in tasks if task.done()]
            assert not failed, failed[0].result()
            await say_something()
            await asyncio.sleep(0.5)
        after = Scrape(user)
        await say_something()
        await until(lambda: all(each.cursor == said for each in followers), "everybody has everything")
        name = "chatsystem_user_session_lookups_total"
        assert after.total(name, source="cache") - before.total(name, source="cache") >= len(followers)
        assert after.total(name, source="database") == before.total(name, source="database")
        for each in followers:
            assert [(seen.seq, seen.text) for seen in each.shown] == [
                (number, str(number)) for number in range(1, each.cursor + 1)
            ]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in followers:
            if each.device is not None:
                await each.device.close()


async def until(condition: Callable[[], bool], what: str, timeout: float = 120.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        await asyncio.sleep(0.1)
