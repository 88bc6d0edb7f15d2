"""The schedule is a function of what was asked for; the way back is judged from what was observed."""

from __future__ import annotations

import pytest

from tests.chaos.faults import FAULTS, PARTS
from tests.chaos.recovery import resumed
from tests.chaos.schedule import Selection, SelectionError, named, schedule


def test_everything_that_can_befall_a_part_is_tried_once():
    rounds = schedule(Selection())
    strikes = [(strike.part, strike.fault.name) for (strike,) in rounds]
    assert sorted(strikes) == sorted((part, fault.name) for fault in FAULTS.values() for part in fault.parts)
    assert {part for part, _ in strikes} == set(PARTS)


def test_the_same_seed_gives_the_same_schedule_and_another_one_another():
    assert schedule(Selection(pairs=9, seed=4)) == schedule(Selection(pairs=9, seed=4))
    assert schedule(Selection(pairs=9, seed=4)) != schedule(Selection(pairs=9, seed=5))


def test_pairs_break_two_different_parts():
    pairs = schedule(Selection(faults=("kill",), pairs=1000, singles=False))
    assert len(pairs) == 66
    assert all(one.part != other.part for one, other in pairs)


@pytest.mark.parametrize(("parts", "faults"), [(("user",), ("disk-full",)), (("files",), ("kill",))])
def test_a_selection_without_any_fault_is_refused(parts, faults):
    with pytest.raises(SelectionError, match="cannot befall"):
        schedule(Selection(parts, faults))


def test_an_unknown_name_is_refused_with_those_that_there_are():
    assert named("user, mysql", PARTS, "part") == ("user", "mysql")
    with pytest.raises(SelectionError, match=r"no part postgres; there are: .*mysql"):
        named("postgres", PARTS, "part")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], None),
        ([10.0 + place / 10 for place in range(20)], 10.0),
        ([9.9, *(12.0 + place / 10 for place in range(20))], 12.0),
        ([10.0, 12.0, 14.0, 16.0], None),
        ([5.0 + place / 10 for place in range(20)], None),
    ],
)
def test_a_rate_is_reached_from_the_moment_after_which_a_second_holds_enough(times, expected):
    assert resumed(times, 10.0, 8.0) == expected
