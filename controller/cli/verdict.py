"""What waiting for a system has come to: pure decisions on its status, each with the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from controller.cli.failure import DONE, FAILED, ROLLED_BACK
from controller.cli.status_view import View

Goal = Literal["ready", "released", "deleted"]


@dataclass(frozen=True)
class Outcome:
    """The end of waiting. `settled`: nothing but a person will change it; otherwise it has to last for a moment to count."""

    exit_code: int
    message: str
    settled: bool = True


def judge(system: View | None, goal: Goal) -> Outcome | None:
    """The outcome, or None while it is open. `system` is None when there is none of that name (any more)."""
    if system is None:
        if goal == "deleted":
            return Outcome(DONE, "deleted")
        return Outcome(FAILED, "there is no such system (any more)")
    if goal == "deleted":
        return (
            None if system.deleting else Outcome(FAILED, f"nobody asked to delete it; chatsystem delete {system.name}")
        )
    if system.deleting:
        return Outcome(FAILED, "it is being deleted")
    if system.paused:
        return Outcome(FAILED, f"it is paused, so nothing changes; chatsystem resume {system.name}")
    if not system.current:
        return None
    released, stalled = system.condition("Released"), system.condition("Stalled")
    if released.status == "False" and released.reason == "RolledBack":
        return Outcome(ROLLED_BACK, released.message or "the release failed and was rolled back")
    if stalled.status == "True":
        return Outcome(FAILED, stalled.message or system.last_error or stalled.reason, settled=False)
    if released.status == "False":
        return Outcome(FAILED, released.message or "the release failed", settled=False)
    ready = system.condition("Ready")
    if goal == "ready" and ready.status == "True":
        return Outcome(DONE, system.phase)
    if goal == "ready" and ready.reason == "Suspended":
        return Outcome(FAILED, "it is suspended, so nothing runs; apply it with suspend: false")
    if goal == "released" and released.status == "True":
        return Outcome(DONE, released.message or system.phase)
    return None
