"""The one timer of all connections."""

from __future__ import annotations

import pytest

from services.gateway.wheel import SLOTS, Wheel


class Item:
    def __init__(self, wheel: Wheel, again: float = 0.0) -> None:
        self.wheel = wheel
        self.again = again
        self.called: list[float] = []

    def due(self) -> float:
        self.called.append(self.wheel.now)
        return self.again


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(wheel: Wheel, clock: Clock, turns: int) -> None:
    for _ in range(turns):
        clock.now += 0.5
        wheel.turn()


@pytest.mark.parametrize("delay", [0.5, 1.0, 10.0, SLOTS * 0.5, SLOTS * 1.7])
def test_an_item_is_called_once_when_its_time_has_come(delay: float) -> None:
    clock = Clock()
    wheel = Wheel(0.5, clock)
    item = Item(wheel)
    wheel.add(item, delay)
    run(wheel, clock, SLOTS * 4)
    assert len(item.called) == 1
    assert delay <= item.called[0] <= delay + 0.5


def test_an_item_says_when_it_wants_to_be_called_again() -> None:
    clock = Clock()
    wheel = Wheel(0.5, clock)
    item = Item(wheel, again=2.0)
    wheel.add(item, 1.0)
    run(wheel, clock, 12)
    assert item.called == [1.0, 3.0, 5.0]


def test_one_failing_item_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    wheel = Wheel(0.5, clock)

    class Broken:
        def due(self) -> float:
            raise RuntimeError

    item = Item(wheel)
    wheel.add(Broken(), 0.5)
    wheel.add(item, 0.5)
    run(wheel, clock, 1)
    assert item.called
    assert "timer failed" in caplog.text


def test_an_oversleep_is_noticed_by_whoever_looks_first() -> None:
    clock, noticed = Clock(), []
    wheel = Wheel(tick=0.5, clock=clock, patience=3.0, overslept=lambda: noticed.append(clock.now))
    run(wheel, clock, 10)
    assert noticed == []
    clock.now += 3.5
    wheel.look()
    wheel.turn()
    assert noticed == [clock.now]
