"""Who may lead, decided on a record and one's own clock; and the law that two never do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.errors import refused
from controller.targets.kubernetes.lease import Election, Move, Sight, decide, record_of, written


def lease(holder: str, renewed: str = "a") -> dict[str, Any]:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 10, "renewTime": renewed, "leaseTransitions": 1}
    return {"metadata": {"uid": "u", "resourceVersion": "1"}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "seen_for", "move"),
    [
        (None, None, Move.TAKE),
        (lease(""), None, Move.TAKE),
        (lease("me"), None, Move.RENEW),
        (lease("other"), None, Move.WAIT),
        (lease("other"), 9.9, Move.WAIT),
        (lease("other"), 10.1, Move.TAKE),
    ],
)
def test_what_a_candidate_does(found: dict[str, Any] | None, seen_for: float | None, move: Move) -> None:
    sight = Sight(record_of(found), 100.0 - seen_for) if found is not None and seen_for is not None else None
    assert decide(found, "me", sight, 100.0) is move


def test_a_record_that_was_renewed_is_seen_anew() -> None:
    sight = Sight(record_of(lease("other", "a")), 0.0)
    assert decide(lease("other", "b"), "me", sight, 100.0) is Move.WAIT


def test_a_change_of_the_holder_is_counted_and_a_renewal_is_not() -> None:
    taken = written(lease("other"), "chat", "me", "now")
    assert (taken["spec"]["leaseTransitions"], taken["spec"]["acquireTime"]) == (2, "now")
    assert written({"metadata": {}, **taken}, "chat", "me", "later")["spec"]["acquireTime"] == "now"


class Shared:
    """A Lease in memory with the API server's rule: a write of an older state is a conflict."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.down: set[str] = set()

    def client(self, name: str) -> Client:
        shared = self

        class One:
            async def get(self, *_: object) -> dict[str, Any] | None:
                shared.fail(name)
                return shared.lease

            async def create(self, body: dict[str, Any]) -> dict[str, Any]:
                return shared.write(name, body)

            replace = create

        return One()  # type: ignore[return-value]

    def fail(self, name: str) -> None:
        if name in self.down:
            raise refused(503, b"", "reach it")

    def write(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self.fail(name)
        known = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if body["metadata"].get("resourceVersion") != known:
            raise refused(409, b"", "write it")
        self.lease = {**body, "metadata": {**body["metadata"], "resourceVersion": str(int(known or 0) + 1)}}
        return self.lease


@pytest.mark.parametrize("seed", range(30))
async def test_two_never_lead_at_a_time_however_they_are_cut_off_and_frozen(seed: int) -> None:
    chance, now, shared = random.Random(seed), [0.0], Shared()
    names = ("a", "b", "c")
    candidates = {name: Election(shared.client(name), "chat", name, clock=lambda: now[0]) for name in names}
    led: set[str] = set()
    frozen: set[str] = set()
    for step in range(2000):
        now[0] += chance.uniform(0.01, 0.7)
        if step % 80 == 0:
            # Cut off, or frozen, for about as long as a Lease lasts, or twice as long.
            shared.down = {name for name in names if chance.random() < 0.5}
            frozen = {name for name in names if chance.random() < 0.3}
        name = chance.choice(names)
        if name not in frozen:
            await candidates[name].look()
        leading = [name for name, one in candidates.items() if one.remaining() > 0]
        assert len(leading) <= 1
        led.update(leading)
    assert len(led) > 1, "nobody ever took over: the test shows nothing"


async def test_a_holder_that_was_late_goes_on_and_one_that_was_succeeded_begins_anew() -> None:
    now, shared, begun = [0.0], Shared(), 0
    mine, other = (Election(shared.client(name), "chat", name, clock=lambda: now[0]) for name in ("mine", "other"))
    stopped = asyncio.Event()

    async def lead() -> None:
        nonlocal begun
        begun += 1
        await asyncio.Event().wait()

    running = asyncio.create_task(mine.run(lead, stopped, renewal=0.01))
    await until(lambda: begun == 1)
    now[0] += 100.0
    assert mine.remaining() <= 0
    await until(lambda: mine.remaining() > 0)
    assert begun == 1

    shared.down = {"mine"}
    await other.look()
    now[0] += 100.0
    await other.look()
    assert other.remaining() > 0
    shared.down = set()
    await until(lambda: mine.holder == "other")
    now[0] += 100.0
    await until(lambda: begun == 2)
    stopped.set()
    await running
    assert shared.lease is not None
    assert shared.lease["spec"]["holderIdentity"] == ""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)
