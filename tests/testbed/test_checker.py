"""The checker finds every kind of violation in histories that were spoilt on purpose, and none in a good one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.testbed.checker import History, Seen, Sent, View, check

A1 = Seen(1, "m1", "a", "one")
B2 = Seen(2, "m2", "b", "two")
A3 = Seen(3, "m3", "a", "three")


def good() -> History:
    sent = [
        Sent("c", "a", "r1", "one", True, 1),
        Sent("c", "b", "r2", "two", True),
        Sent("c", "a", "r3", "three", True, 3),
        Sent("c", "b", "r4", "never arrived", False),
    ]
    views = [
        View("c", "a", [A1, B2, A3], read_positions=[1, 1, 2], unread=0, read_seq=2),
        View("c", "b", [A1, B2, A3], unread=2, read_seq=0),
    ]
    return History(sent, views, {"c": [A1, B2, A3]})


def kinds(history: History) -> set[str]:
    return {fault.kind for fault in check(history)}


def test_a_correct_history_has_no_fault():
    assert check(good()) == []


def test_a_send_that_failed_but_was_stored_is_no_fault():
    history = good()
    history.sent[1] = replace(history.sent[1], acknowledged=False)
    assert check(history) == []


def _drop_stored(history: History) -> None:
    history.stored = {"c": [A1, B2]}
    for view in history.views:
        view.messages = [A1, B2]
        view.unread = None


def _drop_conversation(history: History) -> None:
    history.stored = {}
    history.views = []


def _store_twice(history: History) -> None:
    history.stored = {"c": [A1, B2, A3, Seen(4, "m4", "a", "one")]}


def _same_id_twice(history: History) -> None:
    history.stored = {"c": [A1, B2, replace(A3, message_id="m1")]}


def _store_unsent(history: History) -> None:
    history.stored = {"c": [A1, B2, A3, Seen(4, "m4", "b", "ghost")]}


def _swap_stored(history: History) -> None:
    history.stored = {"c": [replace(A3, seq=1), B2, replace(A1, seq=3)]}


def _leave_a_gap(history: History) -> None:
    history.stored = {"c": [A1, B2, replace(A3, seq=5)]}


def _acknowledge_another_seq(history: History) -> None:
    history.sent[0] = replace(history.sent[0], seq=2)


def _hide_from_a_member(history: History) -> None:
    history.views[0].messages = [A1, B2]


def _show_twice(history: History) -> None:
    history.views[1].messages = [A1, A1, B2, A3]


def _show_in_another_order(history: History) -> None:
    history.views[1].messages = [B2, A1, A3]


def _show_another_text(history: History) -> None:
    history.views[1].messages = [A1, replace(B2, text="2"), A3]


def _count_own_messages(history: History) -> None:
    history.views[1].unread = 3


def _go_back(history: History) -> None:
    history.views[0].read_positions = [2, 1, 2]


def _forget_position(history: History) -> None:
    history.views[0].read_seq = 1
    history.views[0].unread = 1


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_drop_stored, "lost"),
        (_drop_conversation, "lost"),
        (_store_twice, "doubled"),
        (_same_id_twice, "doubled"),
        (_store_unsent, "invented"),
        (_swap_stored, "order"),
        (_leave_a_gap, "gap"),
        (_acknowledge_another_seq, "changed"),
        (_hide_from_a_member, "lost"),
        (_show_twice, "doubled"),
        (_show_in_another_order, "order"),
        (_show_another_text, "changed"),
        (_count_own_messages, "unread"),
        (_go_back, "read-position"),
        (_forget_position, "read-position"),
    ],
)
def test_every_kind_of_violation_is_found(spoil, kind):
    history = good()
    spoil(history)
    assert kind in kinds(history)
