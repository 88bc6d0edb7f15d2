"""Sends that come together share a transaction, and none is lost or mixed up by another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from services.runtime.refusal import Refusal
from services.stores.ports import StoreError, UniqueViolation
from services.transmit.batch import Refused, Stored
from services.transmit.draft import Draft
from services.transmit.pipeline import Pipeline

Outcomes = Sequence[Stored | Refused]


def draft(name: str) -> Draft:
    return Draft("ann", "pair", name, None, 0, text=name)


def stored(drafts: Sequence[Draft]) -> Outcomes:
    return [Stored(str(item.text), 0, 0, {}, None, None, None, False) for item in drafts]


class Recorder:
    """Writes batches as told and remembers their texts."""

    def __init__(self, write: Callable[[Sequence[Draft]], Awaitable[Outcomes]] | None = None) -> None:
        self.batches: list[list[str]] = []
        self.doubts: list[bool] = []
        self._write = write

    async def __call__(self, drafts: Sequence[Draft], doubtful: bool) -> Outcomes:
        self.doubts.append(doubtful)
        self.batches.append([str(item.text) for item in drafts])
        await asyncio.sleep(0)
        return await self._write(drafts) if self._write else stored(drafts)


def pipeline(write: Recorder, **limits: int) -> Pipeline:
    return Pipeline(write, **({"max_batch": 100, "queue_limit": 100} | limits))


async def test_sends_of_one_turn_share_a_transaction() -> None:
    write = Recorder()
    line = pipeline(write)
    await asyncio.gather(*(line.submit(draft(str(number))) for number in range(10)))
    assert write.batches == [[str(number) for number in range(10)]]


async def test_what_comes_while_a_transaction_runs_shares_the_next_one() -> None:
    go = asyncio.Event()

    async def slowly(drafts: Sequence[Draft]) -> Outcomes:
        await go.wait()
        return stored(drafts)

    write = Recorder(slowly)
    line = pipeline(write)
    futures = [line.submit(draft("a"))]
    await asyncio.sleep(0.01)
    futures += [line.submit(draft("b"))]
    await asyncio.sleep(0.01)
    futures += [line.submit(draft("c"))]
    go.set()
    await asyncio.gather(*futures)
    assert write.batches == [["a"], ["b", "c"]]


async def test_a_batch_has_a_largest_size() -> None:
    write = Recorder()
    line = pipeline(write, max_batch=4)
    await asyncio.gather(*(line.submit(draft(str(number))) for number in range(10)))
    assert [len(batch) for batch in write.batches] == [4, 4, 2]


async def test_too_many_waiting_sends_are_refused_for_now() -> None:
    line = pipeline(Recorder(), queue_limit=2)
    futures = [line.submit(draft("a")), line.submit(draft("b"))]
    with pytest.raises(Refusal) as refused:
        line.submit(draft("c"))
    assert refused.value.retry_after > 0
    await asyncio.gather(*futures)
    await line.submit(draft("c"))


async def test_senders_are_answered_in_order() -> None:
    line = pipeline(Recorder(), max_batch=3)
    answered: list[str] = []
    futures = [line.submit(draft(str(number))) for number in range(10)]
    for future in futures:
        future.add_done_callback(lambda done: answered.append(done.result().message_id))
    await asyncio.gather(*futures)
    await asyncio.sleep(0)
    assert answered == [str(number) for number in range(10)]


async def test_a_draft_that_breaks_the_transaction_fails_alone() -> None:
    async def picky(drafts: Sequence[Draft]) -> Outcomes:
        if any(item.text == "3" for item in drafts):
            raise ValueError("cannot be stored")
        return stored(drafts)

    line = pipeline(Recorder(picky))
    results = await asyncio.gather(*(line.submit(draft(str(n))) for n in range(6)), return_exceptions=True)
    assert [isinstance(result, ValueError) for result in results] == [n == 3 for n in range(6)]


async def test_a_lost_race_for_a_request_id_is_run_again() -> None:
    losses = [UniqueViolation("request_id"), UniqueViolation("request_id")]

    async def racing(drafts: Sequence[Draft]) -> Outcomes:
        if losses:
            raise losses.pop()
        return stored(drafts)

    write = Recorder(racing)
    assert (await pipeline(write).submit(draft("a"))).message_id == "a"
    assert write.doubts == [False, True, True]


async def test_a_database_that_is_away_is_a_refusal_for_now_and_the_line_goes_on() -> None:
    away = [StoreError("no answer")]

    async def flaky(drafts: Sequence[Draft]) -> Outcomes:
        if away:
            raise away.pop()
        return stored(drafts)

    line = pipeline(Recorder(flaky))
    with pytest.raises(Refusal) as refused:
        await line.submit(draft("a"))
    assert refused.value.retry_after > 0
    await line.submit(draft("b"))


async def test_a_sender_that_goes_away_disturbs_nobody() -> None:
    line = pipeline(Recorder())
    gone, stays = line.submit(draft("a")), line.submit(draft("b"))
    gone.cancel()
    assert (await stays).message_id == "b"


async def test_drained_means_that_nothing_is_under_way() -> None:
    write = Recorder()
    line = pipeline(write, max_batch=1)
    futures = [line.submit(draft(str(number))) for number in range(5)]
    await line.drained()
    assert all(future.done() for future in futures)
    await line.drained()
