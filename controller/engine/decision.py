"""What a strategy decides about one part of a system."""

from __future__ import annotations

from dataclasses import dataclass

from controller.engine.model import Step


@dataclass(frozen=True)
class Decision:
    """The steps to take now, and what has to be waited for. `wakes`: Unix seconds at which waits end."""

    steps: tuple[Step, ...] = ()
    waits: tuple[Step, ...] = ()
    wakes: tuple[float, ...] = ()

    def __add__(self, other: Decision) -> Decision:
        return Decision(self.steps + other.steps, self.waits + other.waits, self.wakes + other.wakes)
