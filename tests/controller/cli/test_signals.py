"""Signals that ask a command to end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from controller.cli.signals import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_request_to_end_is_an_event(number: signal.Signals) -> None:
    """The end of the terminal is one too: what ran in it must not be left behind."""
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await stopped.wait()


async def test_whoever_asked_to_outlive_the_terminal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signal.signal(signal.SIGHUP, before)
    assert not stopped.is_set()
