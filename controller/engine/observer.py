"""What the loop tells of its work to whoever measures it. Nothing is decided by it, and it must not raise."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol


class Ending(StrEnum):
    """How a pass ended."""

    SETTLED = "settled"
    """Nothing is left that the loop would look at by itself."""
    AGAIN = "again"
    """It changed something or waits for something, and looks again by itself."""
    FAILED = "failed"
    """Steps failed, or the platform could not be asked."""
    CRASHED = "crashed"
    """It ended with an error that is the controller's own."""


class LoopObserver(Protocol):
    """Systems by their names, times in seconds."""

    def heard(self, system: str) -> None:
        """The declaration is new, changed or deleted."""
        ...

    def waited(self, seconds: float) -> None:
        """A system was taken from the queue so long after it was due."""
        ...

    def reported(self, system: str, status: Mapping[str, Any]) -> None:
        """A pass came to this status, whether or not it differs from the one before."""
        ...

    def passed(self, system: str, ending: Ending, seconds: float) -> None: ...

    def forgotten(self, system: str) -> None:
        """The system is gone."""
        ...


class Unobserved:
    """Implements LoopObserver where nobody measures."""

    def heard(self, system: str) -> None:
        pass

    def waited(self, seconds: float) -> None:
        pass

    def reported(self, system: str, status: Mapping[str, Any]) -> None:
        pass

    def passed(self, system: str, ending: Ending, seconds: float) -> None:
        pass

    def forgotten(self, system: str) -> None:
        pass
