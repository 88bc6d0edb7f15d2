"""What a client that was away is told, for any state of client and server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.store.messages import Span, Standing
from services.store.sync_plan import NEWEST, plan


def standing(name: str, last: int) -> Standing:
    return Standing(name, last, 0, 0)


names = st.sampled_from("abcdef")
lasts = st.dictionaries(names, st.integers(0, 200))
cursors_ = st.dictionaries(names, st.integers(0, 220))
limits = st.integers(1, 120)


def test_nothing_new_is_an_empty_answer() -> None:
    answer = plan([standing("a", 5), standing("b", 0)], {"a": 5, "b": 0}, 100)
    assert (answer.deltas, answer.gone, answer.complete) == ((), (), True)


def test_a_gap_is_closed_from_the_cursor_on() -> None:
    (delta,) = plan([standing("a", 9)], {"a": 4}, 100).deltas
    assert (delta.span, delta.contiguous) == (Span("a", 5, 9), True)


def test_a_gap_longer_than_an_answer_is_skipped() -> None:
    answer = plan([standing("a", 1000)], {"a": 4}, 100)
    (delta,) = answer.deltas
    assert (delta.span, delta.contiguous) == (Span("a", 1001 - NEWEST, 1000), False)
    assert answer.complete


def test_a_cursor_beyond_the_end_is_answered_from_the_newest() -> None:
    (delta,) = plan([standing("a", 3)], {"a": 7}, 100).deltas
    assert (delta.span, delta.contiguous) == (Span("a", 1, 3), False)


def test_a_conversation_emptied_by_a_restore_is_told_of() -> None:
    (delta,) = plan([standing("a", 0)], {"a": 7}, 100).deltas
    assert (delta.span.last, delta.contiguous) == (0, False)


def test_an_unnamed_conversation_that_fits_joins_on_to_nothing() -> None:
    (delta,) = plan([standing("a", 3)], {}, 100).deltas
    assert (delta.span, delta.contiguous) == (Span("a", 1, 3), True)


def test_conversations_that_the_user_left_are_gone() -> None:
    assert plan([standing("a", 0)], {"a": 0, "b": 3}, 100).gone == ("b",)


def test_what_does_not_fit_is_left_to_the_next_answer() -> None:
    answer = plan([standing("a", 60), standing("b", 60)], {"a": 0, "b": 0}, 100)
    assert [delta.span for delta in answer.deltas] == [Span("a", 1, 60), Span("b", 1, 40)]
    assert not answer.complete


@given(lasts, cursors_, limits)
def test_an_answer_is_bounded_and_says_no_more_than_is_true(
    lasts: dict[str, int], cursors: dict[str, int], limit: int
) -> None:
    answer = plan([standing(name, last) for name, last in lasts.items()], cursors, limit)
    assert sum(delta.span.last - delta.span.first + 1 for delta in answer.deltas) <= limit
    for delta in answer.deltas:
        name, first, last = delta.span
        assert 1 <= first <= last + 1
        assert last <= lasts[name]
        if delta.contiguous:
            assert first == cursors.get(name, 0) + 1
        else:
            assert last == lasts[name], "a skipped gap ends in the newest message"


@given(lasts, cursors_, limits)
def test_asking_again_ends_in_the_state_of_the_server(
    lasts: dict[str, int], cursors: dict[str, int], limit: int
) -> None:
    standings = [standing(name, last) for name, last in lasts.items()]
    client = dict(cursors)
    for _ in range(2000):
        answer = plan(standings, client, limit)
        for name in answer.gone:
            del client[name]
        for delta in answer.deltas:
            client[delta.span.chat_session_id] = delta.span.last
        if answer.complete:
            break
        assert answer.deltas, "an incomplete answer brings the client forward"
    else:
        raise AssertionError("the client never catches up")
    assert {name: seq for name, seq in client.items() if seq} == {name: last for name, last in lasts.items() if last}
