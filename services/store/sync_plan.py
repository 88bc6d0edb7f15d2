"""What a client that was away is told: which messages of which conversations. Pure.

A gap that fits into one answer is closed in order, the next answer going on where this one ends. A longer one is skipped:
the client gets the newest messages, is told that they do not join on (`contiguous` false), and pages back when a person
scrolls. So catching up takes a bounded number of answers however long the client was away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.store.messages import Span, Standing

NEWEST = 30
"""Messages of a conversation whose past is not sent."""


@dataclass(frozen=True)
class Delta:
    """One conversation of the answer. The span may be empty: the client has messages that no longer exist."""

    standing: Standing
    span: Span
    contiguous: bool


@dataclass(frozen=True)
class SyncPlan:
    """`complete` false: something is new that this answer leaves out."""

    deltas: tuple[Delta, ...]
    gone: tuple[str, ...]
    complete: bool


def plan(standings: Sequence[Standing], cursors: Mapping[str, int], limit: int) -> SyncPlan:
    """The answer to `cursors` (conversation -> newest sequence number that the client has) with at most `limit` messages.

    Conversations are served in the given order. Every incomplete answer brings at least one conversation forward.
    """
    deltas: list[Delta] = []
    left = limit
    complete = True
    for standing in standings:
        name, last = standing.chat_session_id, standing.last_seq
        cursor = cursors.get(name)
        if cursor == last or (cursor is None and last == 0):
            continue
        gap = last - (cursor or 0)
        joins = cursor is not None and 0 < gap <= limit
        if joins:
            count = min(gap, left)
            span = Span(name, last - gap + 1, last - gap + count)
            complete = complete and count == gap
        else:
            count = min(NEWEST, last, limit)
            span = Span(name, last - count + 1, last)
        if count > left or (count == 0 and last > 0):
            complete = False
            break
        left -= count
        deltas.append(Delta(standing, span, joins or (span.first == 1 and not (cursor or 0) > last)))
    known = {standing.chat_session_id for standing in standings}
    return SyncPlan(tuple(deltas), tuple(name for name in cursors if name not in known), complete)


def cut(plan_: SyncPlan, served: Collection[str]) -> SyncPlan:
    """The plan without the conversations of which nothing was read. One that was read in part is a shorter span, which is
    right only because a span longer than one read closes a gap in order."""
    deltas = tuple(delta for delta in plan_.deltas if delta.standing.chat_session_id in served or delta.span.last == 0)
    return SyncPlan(deltas, plan_.gone, complete=False)
