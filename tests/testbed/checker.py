"""Judges a history of sends, receipts and reads in the manner of Jepsen: pure, and after the fact.

Clients write down what they did and saw; the truth that a system claims at the end is read from it once. The checker then
says every way in which these disagree. It knows nothing of how the history came about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class Sent:
    """A send that was tried. `acknowledged` once the system said success, with the `seq` if it told one."""

    conversation: str
    sender: str
    request_id: str
    text: str
    acknowledged: bool
    seq: int | None = None


@dataclass(frozen=True)
class Seen:
    """One message as a member's client holds it after applying the protocol's rules (same seq: the same message)."""

    seq: int
    message_id: str
    sender: str
    text: str


@dataclass
class View:
    """What one member's client holds of one conversation, in the order in which it shows it."""

    conversation: str
    member: str
    messages: list[Seen]
    read_positions: list[int] = field(default_factory=list)
    """Read positions that the system told this member about itself, in the order of telling."""
    unread: int | None = None
    read_seq: int = 0


@dataclass
class History:
    """Everything about one run. `stored` is the system's own final history per conversation."""

    sent: list[Sent] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    stored: Mapping[str, list[Seen]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One violation. `kind` is one of: lost, doubled, invented, order, gap, changed, unread, read-position."""

    kind: str
    conversation: str
    detail: str


def check(history: History) -> list[Fault]:
    """All violations; empty for a correct system."""
    faults: list[Fault] = []
    for conversation, messages in history.stored.items():
        faults += _check_sequence(conversation, "history", messages)
        faults += _check_against_sends(conversation, messages, history.sent)
    for view in history.views:
        faults += _check_view(view, history.stored.get(view.conversation, []))
    known = set(history.stored)
    faults += [
        Fault("lost", sent.conversation, f"{sent.request_id}: the whole conversation is gone")
        for sent in history.sent
        if sent.acknowledged and sent.conversation not in known
    ]
    return faults


def _check_sequence(conversation: str, whose: str, messages: list[Seen]) -> Iterable[Fault]:
    """Sequence numbers rise one by one from 1, message ids are unique."""
    numbers = [message.seq for message in messages]
    for earlier, later in pairwise(numbers):
        if later < earlier:
            yield Fault("order", conversation, f"{whose}: seq {later} comes after {earlier}")
    for place, number in enumerate(sorted(set(numbers)), start=1):
        if number != place:
            yield Fault("gap", conversation, f"{whose}: seq {place} is missing")
            break
    for message_id, count in Counter(message.message_id for message in messages).items():
        if count > 1:
            yield Fault("doubled", conversation, f"{whose}: {message_id} occurs {count} times")


def _check_against_sends(conversation: str, stored: list[Seen], sends: list[Sent]) -> Iterable[Fault]:
    """Every acknowledged send is stored exactly once under the seq it was told, nothing else is stored, and the sends of
    one sender that were acknowledged before the next one began keep their order."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for message in stored:
        places[message.sender, message.text].append(message.seq)
    tried = {(sent.sender, sent.text) for sent in sends if sent.conversation == conversation}
    last: dict[str, int] = {}
    for sent in sends:
        if sent.conversation != conversation:
            continue
        found = places.get((sent.sender, sent.text), [])
        if len(found) > 1:
            yield Fault("doubled", conversation, f"{sent.request_id} of {sent.sender}: stored as {found}")
        if sent.acknowledged and not found:
            yield Fault("lost", conversation, f"{sent.request_id} of {sent.sender} was acknowledged and is not stored")
        if sent.seq is not None and found and sent.seq not in found:
            yield Fault("changed", conversation, f"{sent.request_id}: acknowledged as {sent.seq}, stored as {found}")
        if sent.acknowledged and found:
            if found[0] < last.get(sent.sender, 0):
                yield Fault(
                    "order", conversation, f"{sent.request_id} of {sent.sender} is stored before an earlier send"
                )
            last[sent.sender] = found[0]
    for sender, text in places:
        if (sender, text) not in tried:
            yield Fault("invented", conversation, f"nobody sent {text!r} of {sender}")


def _check_view(view: View, stored: list[Seen]) -> Iterable[Fault]:
    """A member's client holds exactly the stored history, in its order, and consistent counts."""
    who = f"view of {view.member}"
    yield from _check_sequence(view.conversation, who, view.messages)
    truth = {message.seq: message for message in stored}
    for message in view.messages:
        if message.seq not in truth:
            yield Fault("invented", view.conversation, f"{who}: seq {message.seq} is not in the history")
        elif truth[message.seq] != message:
            yield Fault("changed", view.conversation, f"{who}: seq {message.seq} is another message in the history")
    missing = set(truth) - {message.seq for message in view.messages}
    if missing:
        yield Fault("lost", view.conversation, f"{who}: does not show {sorted(missing)[:10]}")
    for earlier, later in pairwise(view.read_positions):
        if later < earlier:
            yield Fault("read-position", view.conversation, f"{who}: went back from {earlier} to {later}")
    if view.read_positions and view.read_seq < max(view.read_positions):
        told = max(view.read_positions)
        yield Fault("read-position", view.conversation, f"{who}: is {view.read_seq} although {told} was confirmed")
    if view.unread is not None:
        expected = sum(1 for message in stored if message.seq > view.read_seq and message.sender != view.member)
        if view.unread != expected:
            yield Fault("unread", view.conversation, f"{who}: says {view.unread} unread, {expected} are")
