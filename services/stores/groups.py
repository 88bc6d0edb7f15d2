"""The seam through which a database adapter tells of its group commits. An adapter without groups has no part in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable


class GroupObserver(Protocol):
    """Called on the event loop."""

    def joined(self) -> Any:
        """A work was handed in. What this returns is kept with the work until its group is finished."""
        ...

    def finished(self, joined: Sequence[Any], seconds: float) -> None:
        """A transaction ended, `seconds` after it began. `joined` has one element for each of its works."""
        ...


@runtime_checkable
class GroupCommits(Protocol):
    """A Database that puts works together in groups."""

    def observe_groups(self, observer: GroupObserver) -> None:
        """From now on. May be called for several observers."""
        ...


class Observers:
    """What an adapter keeps: its observers, and the way to tell all of them. None of them costs nothing."""

    def __init__(self) -> None:
        self._observers: list[GroupObserver] = []

    def add(self, observer: GroupObserver) -> None:
        self._observers.append(observer)

    def joined(self) -> list[Any]:
        return [observer.joined() for observer in self._observers]

    def finished(self, joined: Sequence[Sequence[Any]], seconds: float) -> None:
        for index, observer in enumerate(self._observers):
            observer.finished([each[index] if index < len(each) else None for each in joined], seconds)
