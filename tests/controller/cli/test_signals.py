"""Signals that ask a command to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from controller.cli.signals import stop_on_signals


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    """The end of the terminal ends the process, also where whoever runs the tests has said otherwise."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_request_to_end_is_an_event(number: signal.Signals) -> None:
    """The end of the terminal is one too: what ran in it must not be left behind."""
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await stopped.wait()


async def test_whoever_asked_to_outlive_the_terminal_does() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stop_on_signals(asyncio.Event()):
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
