"""The bounded pool of threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from services.runtime.pool import BoundedPool, Overloaded


async def test_a_call_runs_in_a_thread_and_its_result_comes_back() -> None:
    pool = BoundedPool("test", workers=1, queue_limit=0)
    assert await pool.run(lambda a, b: (a, b, threading.current_thread().name), 1, b=2) == (1, 2, "test_0")
    await pool.close()


async def test_an_exception_comes_back() -> None:
    pool = BoundedPool("test", workers=1, queue_limit=0)
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 / 0)
    await pool.close()


async def test_what_neither_runs_nor_may_wait_is_refused_at_once() -> None:
    pool = BoundedPool("test", workers=1, queue_limit=1)
    go_on = threading.Event()
    calls = [asyncio.create_task(pool.run(go_on.wait, 20)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.run(go_on.wait, 20)
    go_on.set()
    assert await asyncio.gather(*calls) == [True, True]
    await pool.close()


async def test_a_place_is_free_again_after_success_failure_and_cancellation() -> None:
    pool = BoundedPool("test", workers=1, queue_limit=1)
    go_on = threading.Event()
    running = asyncio.create_task(pool.run(go_on.wait, 20))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.run(print))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    go_on.set()
    await running
    for _ in range(5):
        await asyncio.sleep(0)
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 / 0)
    await pool.close()


async def test_a_cancelled_caller_keeps_its_place_while_its_thread_works() -> None:
    pool = BoundedPool("test", workers=1, queue_limit=0)
    go_on = threading.Event()
    call = asyncio.create_task(pool.run(go_on.wait, 20))
    await asyncio.sleep(0.05)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    with pytest.raises(Overloaded):
        await pool.run(print)
    go_on.set()
    await pool.close()
