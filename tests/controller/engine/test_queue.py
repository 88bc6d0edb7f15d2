"""The work queue and its back-off."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from controller.engine.backoff import RESTARTS, Backoff
from controller.engine.queue import Schedule, WorkQueue


def test_a_key_that_waits_is_not_added_twice() -> None:
    schedule = Schedule()
    schedule.add("a", 1.0)
    schedule.add("a", 0.5)
    assert schedule.take(0.5) == "a"
    schedule.done("a")
    assert schedule.take(9.0) is None


def test_a_key_is_never_in_two_hands() -> None:
    schedule = Schedule()
    schedule.add("a", 0.0)
    assert schedule.take(0.0) == "a"
    schedule.add("a", 0.0)
    assert schedule.take(0.0) is None
    schedule.done("a")
    assert schedule.take(0.0) == "a"


def test_the_key_that_is_due_longest_comes_first_and_nothing_before_its_time() -> None:
    schedule = Schedule()
    schedule.add("late", 2.0)
    schedule.add("early", 1.0)
    assert schedule.take(0.9) is None
    assert schedule.next_due() == 1.0
    assert [schedule.take(3.0), schedule.take(3.0)] == ["early", "late"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "take", "done"]))))
def test_no_addition_is_ever_lost(script: list[tuple[str, str]]) -> None:
    schedule, held, owed = Schedule(), set[str](), set[str]()
    for key, what in script:
        if what == "add":
            schedule.add(key, 0.0)
            owed.add(key)
        elif what == "done" and key in held:
            held.discard(key)
            schedule.done(key)
        elif what == "take" and (taken := schedule.take(0.0)):
            assert taken not in held
            held.add(taken)
            owed.discard(taken)
    for key in list(held):
        schedule.done(key)
    rest = set()
    while (taken := schedule.take(0.0)) is not None:
        rest.add(taken)
    assert rest == owed


def test_the_first_death_is_repaired_at_once_and_later_ones_ever_more_slowly() -> None:
    assert [RESTARTS.delay(count) for count in (0, 1, 2, 3, 4)] == [0.0, 0.0, 0.5, 1.0, 2.0]
    assert RESTARTS.delay(10_000) == 60.0


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_its_share(failures: int, random: float) -> None:
    plain, varied = Backoff().delay(failures), Backoff().delay(failures, random)
    assert 0.8 * plain <= varied <= 1.2 * plain


async def test_failures_in_a_row_wait_longer_until_one_success() -> None:
    queue = WorkQueue(backoff=Backoff(first=1.0, jitter=0.0))
    assert [queue.retry("a"), queue.retry("a")] == [1.0, 2.0]
    queue.forget("a")
    assert queue.retry("a") == 1.0


async def test_waiting_workers_get_a_key_each() -> None:
    queue = WorkQueue(backoff=Backoff())
    workers = [asyncio.create_task(queue.take()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add("a")
    queue.add("b")
    async with asyncio.timeout(5):
        assert sorted(await asyncio.gather(*workers)) == ["a", "b"]


async def test_an_earlier_key_ends_the_sleep_until_a_later_one() -> None:
    queue = WorkQueue(backoff=Backoff())
    queue.add("later", 60.0)
    worker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add("now")
    async with asyncio.timeout(5):
        assert await worker == "now"


async def test_the_queue_tells_how_long_a_key_was_due_and_how_many_are() -> None:
    now, waits = [100.0], []
    queue = WorkQueue(backoff=RESTARTS, clock=lambda: now[0], waited=waits.append)
    queue.add("a")
    queue.add("b", 1.0)
    queue.add("c", 60.0)
    now[0] += 3.0
    assert queue.waiting() == 2
    assert [await queue.take(), await queue.take()] == ["a", "b"]
    assert waits == [3.0, 2.0]
    assert queue.waiting() == 0
