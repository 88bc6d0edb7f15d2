"""Which replica of a service gets a call, and what becomes of the call when that replica refuses it or is lost.

- A call without an order goes to the replica with the fewest calls in hand, so that one which hangs gets no more.
- Calls of one order key form a lane. They go down one stream, which keeps their order, to the replica that the key's hash
  picks among those that are there. When another replica is to get them, the lane first waits until nothing of it is in the
  hands of the one before.
- A call that a replica has not begun goes to another one at once. One that it may have begun does so only if it is
  repeatable; otherwise its caller learns that nobody knows.

Every change happens in one turn of the event loop, so no call can slip in between those that are moved.
"""

from __future__ import annotations

import asyncio
import itertools
from bisect import insort
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from services.protocol import batch_pb2
from services.protocol.batch_pb2 import Reply
from services.runtime.rpc import Unavailable
from services.runtime.rpc_call import RemoteCall
from services.runtime.rpc_replica import Replica
from services.runtime.rpc_wire import LEAVING

PATIENCE = 1.0
"""Seconds that a call waits for a replica to be there."""
MOST_CALLS = 20_000
"""Calls to one service that may be under way."""
_ODD = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1

Whole = Callable[[RemoteCall], Awaitable[bytes]]
"""Performs a call that shares no stream. Raises Unavailable."""


@dataclass(eq=False, slots=True)
class _Lane:
    replica: Replica | None = None
    """Who has the calls that are out; None for one that shares no stream."""
    out: int = 0
    waiting: list[RemoteCall] = field(default_factory=list)
    """By id."""


class Router:
    """The calls of this process to one service. Implements services.runtime.rpc_replica.Owner."""

    def __init__(self, service: str, whole: Whole) -> None:
        self.service = service
        self.replicas: list[Replica] = []
        """As the registry names them."""
        self._whole = whole
        self._calls: dict[int, RemoteCall] = {}
        self._lanes: dict[str, _Lane] = {}
        self._parked: list[RemoteCall] = []
        """Calls without an order for which there is no replica."""
        self._preferred: list[Replica] = []
        """Replicas whose stream stands and that do not leave, or those that leave if there is no other."""
        self._turn = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Calls under way."""
        return len(self._calls)

    def begin(self, call: RemoteCall) -> None:
        """Its future tells the outcome. Raises Unavailable."""
        if not self.replicas:
            raise Unavailable(f"no replica of service {self.service} is known")
        if len(self._calls) >= MOST_CALLS:
            raise Unavailable(f"service {self.service}: {MOST_CALLS} calls are under way already")
        for replica in self.replicas:
            replica.open()
        self._calls[call.id] = call
        self._place(call)

    def abandon(self, call: RemoteCall, problem: str = "") -> None:
        """Takes the call back. Its future fails with `problem` if that is still of interest to anybody."""
        if self._calls.pop(call.id, None) is None:
            return
        if problem:
            self._fail(call, problem)
        lane = self._lanes.get(call.key)
        if lane is not None and call in lane.waiting:
            lane.waiting.remove(call)
            self._advance(call.key)
        elif call.replica is not None or lane is not None:
            if call.replica is not None:
                call.replica.give_up(call)
            self._out_of_hand(call)
        else:
            self._parked.remove(call)

    def sweep(self, now: float) -> None:
        """Ends calls whose time is up. `now` is the event loop's time."""
        for call in [call for call in self._calls.values() if call.deadline <= now]:
            self.abandon(call, "no answer in time")
        stuck = [call for call in self._parked if call.patience <= now]
        for lane in self._lanes.values():
            if not lane.out:
                stuck += [call for call in lane.waiting if call.patience <= now]
        for call in stuck:
            self.abandon(call, self._problem())

    def changed(self, replicas: list[Replica]) -> None:
        """The registry names these now. Calls in the hands of others may finish."""
        self.replicas = replicas
        if self._calls:
            for replica in replicas:
                replica.open()
        self._look_again()

    def close(self) -> None:
        for call in list(self._calls.values()):
            self._fail(call, "this process is stopping")
        self._calls.clear()
        self._lanes.clear()
        self._parked.clear()
        for task in self._tasks:
            task.cancel()

    def opened(self, replica: Replica) -> None:
        self._look_again()

    def leaving(self, replica: Replica) -> None:
        self._look_again()

    def replied(self, replica: Replica, call: RemoteCall, reply: Reply) -> None:
        call.replica = None
        if reply.status == batch_pb2.REFUSED:
            call.tried += (replica,)
            self._again([call])
            return
        del self._calls[call.id]
        if reply.status == batch_pb2.ANSWERED:
            if not call.future.done():
                call.future.set_result(reply.response)
        elif reply.status == batch_pb2.UNAVAILABLE:
            self._fail(call, reply.error or "unavailable")
        else:
            self._fail(call, "the call failed (INTERNAL)")
        if call.key:
            self._out_of_hand(call)

    def cut(self, replica: Replica, calls: Sequence[RemoteCall], clean: bool) -> None:
        again = []
        lost = []
        for call in calls:
            call.replica = None
            call.pieces = None
            if call.sent and not clean:
                call.tried += (replica,)
                if not call.repeatable:
                    lost.append(call)
                    continue
            again.append(call)
        self._look_again()
        self._again(again)
        for call in lost:
            if self._calls.pop(call.id, None) is not None:
                self._fail(call, f"{replica.problem}; whether the call was carried out is not known")
                if call.key:
                    self._out_of_hand(call)

    def _again(self, calls: Sequence[RemoteCall]) -> None:
        """Calls that are in nobody's hands any more look for another replica, in their order."""
        now = asyncio.get_running_loop().time()
        keys = []
        for call in calls:
            if call.id not in self._calls:
                continue
            call.sent = False
            call.patience = min(call.deadline, now + PATIENCE)
            if call.key:
                lane = self._lanes[call.key]
                lane.out -= 1
                insort(lane.waiting, call, key=_by_id)
                keys.append(call.key)
            else:
                self._place(call)
        for key in dict.fromkeys(keys):
            self._advance(key)

    def _look_again(self) -> None:
        """After a change among the replicas: who is to be preferred, and what can go on."""
        ready = [replica for replica in self.replicas if replica.ready]
        self._preferred = [replica for replica in ready if not replica.leaving] or ready
        parked, self._parked = self._parked, []
        for call in parked:
            self._place(call)
        for key in [key for key, lane in self._lanes.items() if lane.waiting and not lane.out]:
            self._advance(key)

    def _place(self, call: RemoteCall) -> None:
        if call.key:
            lane = self._lanes.get(call.key)
            if lane is None:
                lane = self._lanes[call.key] = _Lane()
            insort(lane.waiting, call, key=_by_id)
            self._advance(call.key)
            return
        candidates = self._candidates(call)
        if candidates:
            start = next(self._turn) % len(candidates)
            lightest = min(candidates[start:] + candidates[:start], key=_load)
            lightest.submit(call)
        elif self._hopeless(call):
            self._give_up(call)
        else:
            self._parked.append(call)

    def _advance(self, key: str) -> None:
        """Lets calls of a lane go as far as they may."""
        lane = self._lanes.get(key)
        if lane is None:
            return
        while lane.waiting:
            call = lane.waiting[0]
            if lane.out:
                replica = lane.replica
                if replica is None or call.whole or replica not in self._preferred or replica in call.tried:
                    return
            elif call.whole:
                replica = None
            else:
                replica = self._picked(call)
                if replica is None:
                    if not self._hopeless(call):
                        return
                    lane.waiting.pop(0)
                    self._give_up(call)
                    continue
            lane.waiting.pop(0)
            lane.out += 1
            lane.replica = replica
            if replica is None:
                task = asyncio.create_task(self._perform_whole(call))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                replica.submit(call)
        if not lane.out:
            del self._lanes[key]

    async def _perform_whole(self, call: RemoteCall) -> None:
        try:
            response = await self._whole(call)
            if not call.future.done():
                call.future.set_result(response)
        except Unavailable as error:
            if not call.future.done():
                call.future.set_exception(error)
        finally:
            if self._calls.pop(call.id, None) is not None:
                self._out_of_hand(call)

    def _out_of_hand(self, call: RemoteCall) -> None:
        lane = self._lanes.get(call.key) if call.key else None
        if lane is not None:
            lane.out -= 1
            self._advance(call.key)

    def _candidates(self, call: RemoteCall) -> list[Replica]:
        if not call.tried:
            return self._preferred
        untried = [replica for replica in self._preferred if replica not in call.tried]
        return untried or [each for each in self.replicas if each.ready and each not in call.tried]

    def _picked(self, call: RemoteCall) -> Replica | None:
        """By rendezvous hashing: when replicas come or go, few keys change theirs."""
        candidates = self._candidates(call)
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        point = int.from_bytes(blake2b(call.key.encode(), digest_size=8).digest(), "big")
        return max(candidates, key=lambda replica: ((point ^ replica.seed) * _ODD & _MASK) >> 16)

    def _hopeless(self, call: RemoteCall) -> bool:
        return all(replica in call.tried for replica in self.replicas)

    def _give_up(self, call: RemoteCall) -> None:
        del self._calls[call.id]
        last = call.tried[-1] if call.tried else None
        if last is None:
            self._fail(call, "no replica is known any more")
        else:
            self._fail(call, LEAVING if last.ready else last.problem)

    def _fail(self, call: RemoteCall, problem: str) -> None:
        if not call.future.done():
            call.future.set_exception(Unavailable(f"service {self.service}: {problem}"))

    def _problem(self) -> str:
        return next((replica.problem for replica in self.replicas if not replica.ready), "no replica could be reached")


def _by_id(call: RemoteCall) -> int:
    return call.id


def _load(replica: Replica) -> int:
    return len(replica.in_hand)
