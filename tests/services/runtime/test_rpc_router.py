"""The router against replicas that a schedule controls: whatever happens, every call has one outcome, in order, once."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.protocol import batch_pb2
from services.protocol.batch_pb2 import Reply
from services.runtime.rpc import Unavailable
from services.runtime.rpc_call import RemoteCall
from services.runtime.rpc_router import Router


@dataclass(eq=False)
class Scripted:
    """Stands for a replica: takes calls in order, and does with them what the schedule says."""

    seed: int
    world: "World"
    ready: bool = False
    leaving: bool = False
    refusing: bool = False
    problem: str = "cut"
    in_hand: dict = field(default_factory=dict)
    arrived: list = field(default_factory=list)
    """Calls that came over the stream and were not begun yet."""
    begun: list = field(default_factory=list)
    orphans: list = field(default_factory=list)
    """Calls that came over a stream which was cut: it may still begin them."""

    def open(self):
        pass

    def submit(self, call):
        assert self.ready
        call.replica, call.sent = self, False
        self.in_hand[call.id] = call
        self.arrived.append(call)

    def give_up(self, call):
        self.in_hand.pop(call.id, None)

    def work(self, count):
        """Begins calls in order of arrival, or refuses them."""
        for _ in range(min(count, len(self.arrived))):
            call = self.arrived.pop(0)
            call.sent = True
            if self.refusing:
                self.reply(call, batch_pb2.REFUSED)
            else:
                self.begun.append(call)
                self.world.began(call)

    def answer(self, count):
        for _ in range(min(count, len(self.begun))):
            self.reply(self.begun.pop(0), batch_pb2.ANSWERED)

    def reply(self, call, status):
        if self.in_hand.pop(call.id, None) is not None:
            self.world.router.replied(self, call, Reply(id=call.id, status=status))

    def cut(self, arrived=True):
        """`arrived`: what was on its way got there, though nobody knows."""
        calls, self.ready = list(self.in_hand.values()), False
        for call in calls:
            call.sent = arrived or call not in self.arrived
        self.orphans += self.arrived if arrived and not self.refusing else []
        self.in_hand, self.arrived, self.begun = {}, [], []
        self.world.router.cut(self, calls, False)

    def haunt(self, count):
        for _ in range(min(count, len(self.orphans))):
            self.world.began(self.orphans.pop(0))

    def lose(self):
        self.cut(arrived=False)

    def open_up(self):
        if not self.ready:
            self.ready, self.leaving, self.refusing = True, False, False
            self.world.router.opened(self)

    def leave(self):
        self.leaving = True
        self.world.router.leaving(self)


class World:
    def __init__(self, replicas):
        self.router = Router("transmit", None)
        self.replicas = [Scripted(1_000_003 * (number + 1) ** 9, self) for number in range(replicas)]
        self.calls = []
        self.stored = []
        """Ids in the order in which the database first saw them."""
        self.runs = {}
        self.router.changed(self.replicas)

    def began(self, call):
        self.runs[call.id] = self.runs.get(call.id, 0) + 1
        if call.id not in self.stored:
            self.stored.append(call.id)

    def call(self, key, repeatable):
        loop = asyncio.get_running_loop()
        now = loop.time()
        future = loop.create_future()
        call = RemoteCall(
            len(self.calls), "transmit", "transmit.Send", b"", "", now + 60, now + 60, future, repeatable, key, False
        )
        self.calls.append(call)
        self.router.begin(call)

    def settle(self):
        """All replicas are there and do their work."""
        for _ in range(len(self.replicas) * 3 + 2):
            for replica in self.replicas:
                replica.cut() if replica.refusing else None
                replica.open_up()
                replica.work(10_000)
                replica.answer(10_000)


CALL = st.tuples(st.just("call"), st.sampled_from(["", "a", "a", "a", "b"]), st.sampled_from([True, True, True, False]))
STEPS = st.one_of(
    CALL,
    CALL,
    st.tuples(st.sampled_from(["open_up", "cut", "lose", "leave", "refuse"]), st.integers(0, 2), st.none()),
    st.tuples(st.sampled_from(["work", "work", "answer", "haunt"]), st.integers(0, 2), st.integers(1, 4)),
    st.tuples(st.just("abandon"), st.integers(0, 40), st.none()),
    st.tuples(st.just("known"), st.integers(1, 7), st.none()),
)


def play(world, steps):
    abandoned = set()
    for what, first, second in steps:
        match what:
            case "call":
                world.call(first, second)
            case "abandon":
                if first < len(world.calls):
                    abandoned.add(first)
                    world.router.abandon(world.calls[first])
            case "known":  # as a set of bits
                world.router.changed([each for number, each in enumerate(world.replicas) if first >> number & 1])
            case "refuse":
                replica = world.replicas[first]
                if replica.ready:
                    replica.refusing = True
                    replica.leave()
            case "work" | "answer" | "haunt":
                getattr(world.replicas[first], what)(second)
            case _:
                getattr(world.replicas[first], what)()
    return abandoned


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=80))
async def test_every_call_has_one_outcome_and_conversations_keep_their_order(steps):
    world = World(3)
    for replica in world.replicas[:2]:
        replica.open_up()
    abandoned = play(world, steps)
    world.router.changed(world.replicas)
    world.settle()
    assert len(world.router) == 0
    assert not world.router._lanes
    assert not world.router._parked
    answered = set()
    for call in world.calls:
        if call.id in abandoned and not call.future.done():
            continue
        assert call.future.done(), call
        if call.future.exception() is None:
            answered.add(call.id)
            assert call.id in world.stored
        else:
            assert isinstance(call.future.exception(), Unavailable)
        if not call.repeatable:
            assert world.runs.get(call.id, 0) <= 1
    for key in "ab":
        order = [number for number in world.stored if world.calls[number].key == key and number in answered]
        assert order == sorted(order)


async def test_of_the_conversations_of_a_replica_that_goes_only_its_own_move():
    world = World(3)
    for replica in world.replicas:
        replica.open_up()

    def picks():
        world.calls.clear()
        for number in range(300):
            world.call(f"conversation {number}", True)
        return [call.replica for call in world.calls]

    before = picks()
    assert all(before.count(replica) > 50 for replica in world.replicas)
    world.settle()
    gone = world.replicas[0]
    world.router.changed(world.replicas[1:])
    after = picks()
    assert all(new is old for old, new in zip(before, after, strict=True) if old is not gone)
    assert gone not in after


async def test_a_service_without_a_replica_says_so_at_once():
    world = World(1)
    world.router.changed([])
    with pytest.raises(Unavailable, match="no replica of service transmit is known"):
        world.call("a", True)
    assert len(world.router) == 0


async def test_a_call_waits_for_a_replica_no_longer_than_its_patience():
    world = World(1)
    for key in ("", "a"):
        world.call(key, True)
    now = asyncio.get_running_loop().time()
    world.router.sweep(now)
    assert len(world.router) == 2
    world.router.sweep(now + 61)
    assert len(world.router) == 0
    assert all(isinstance(call.future.exception(), Unavailable) for call in world.calls)
