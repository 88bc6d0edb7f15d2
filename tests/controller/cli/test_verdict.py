"""When waiting is over, and with which exit code."""

from __future__ import annotations

from typing import Any

import pytest

from controller.cli.failure import DONE, FAILED, ROLLED_BACK
from controller.cli.status_view import changes, view
from controller.cli.verdict import Goal, judge
from controller.engine.ports import Stored


def stored(
    generation: int = 2, observed: int = 2, paused: bool = False, deleting: bool = False, **conditions: Any
) -> Stored:
    status = {
        "observedGeneration": observed,
        "phase": "Running",
        "conditions": [
            {"type": type_, "status": value[0], "reason": value[1], "message": value[2]}
            for type_, value in conditions.items()
        ],
    }
    document = {"metadata": {"name": "chat"}, "spec": {"version": "1"}}
    return Stored("chat", document, generation, paused=paused, deleting=deleting, status=status)


READY = ("True", "Converged", "")
NOT_READY = ("False", "Progressing", "")
STALLED = ("True", "PortTaken", "port 9000 is taken")
ROLLED = ("False", "RolledBack", "revision 2 was rolled back: unhealthy")


@pytest.mark.parametrize(
    ("system", "goal", "code", "words"),
    [
        (stored(Ready=READY), "ready", DONE, "Running"),
        (stored(Ready=NOT_READY), "ready", None, ""),
        (stored(observed=1, Ready=READY), "ready", None, ""),
        (stored(observed=1, Ready=NOT_READY, Stalled=STALLED), "ready", None, ""),
        (stored(Ready=NOT_READY, Stalled=STALLED), "ready", FAILED, "port 9000 is taken"),
        (stored(Ready=READY, Released=ROLLED), "ready", ROLLED_BACK, "rolled back"),
        (stored(Ready=READY, Released=ROLLED), "released", ROLLED_BACK, "rolled back"),
        (stored(Ready=NOT_READY, Released=("False", "StepFailed", "revision 2 failed")), "released", FAILED, "failed"),
        (stored(Ready=NOT_READY, Released=("True", "Released", "revision 2")), "released", DONE, "revision 2"),
        (stored(Ready=("False", "Suspended", "")), "ready", FAILED, "suspended"),
        (stored(paused=True, Ready=READY), "ready", FAILED, "resume"),
        (stored(deleting=True, Ready=READY), "ready", FAILED, "being deleted"),
        (stored(deleting=True), "deleted", None, ""),
        (stored(Ready=READY), "deleted", FAILED, "chatsystem delete chat"),
        (None, "deleted", DONE, "deleted"),
        (None, "ready", FAILED, "no such system"),
    ],
)
def test_the_outcome_of_waiting(system: Stored | None, goal: Goal, code: int | None, words: str) -> None:
    outcome = judge(None if system is None else view(system), goal)
    assert (outcome.exit_code if outcome else None) == code
    assert words in (outcome.message if outcome else "")


def test_a_replica_that_needs_a_second_try_is_not_a_failure_yet() -> None:
    outcome = judge(view(stored(Ready=NOT_READY, Stalled=STALLED)), "ready")
    assert outcome is not None
    assert not outcome.settled


def test_what_the_loop_has_not_written_yet_is_shown_as_such() -> None:
    fresh = view(Stored("chat", {"spec": "nonsense"}, 1))
    assert not fresh.current
    assert fresh.phase == "No controller has looked at it yet."
    assert fresh.condition("Ready").status == "Unknown"


def test_a_watcher_is_told_only_what_changed() -> None:
    def with_components(gateway: int, phase: str) -> Stored:
        ready = {"user": 1, "file": 1, "gateway": gateway}
        rows = [{"name": name, "desired": 1, "ready": count} for name, count in ready.items()]
        return Stored("chat", {}, 1, status={"phase": phase, "components": rows})

    before, after = view(with_components(0, "Converging")), view(with_components(1, "Running"))
    assert changes(None, before) == ["user, file 1/1", "gateway 0/1", "Converging"]
    assert changes(before, after) == ["gateway 1/1", "Running"]
    assert changes(after, after) == []
