"""Tools that know nothing of chat systems read the state right: Flux, Helm, `kubectl wait`, by kstatus."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.api.crd import UNSEEN, definition
from controller.engine.model import Health, Observed
from controller.engine.situation import Trouble
from controller.engine.status import status_of
from tests.controller.engine.test_conditions import MIGRATED, UP, WAITING, situation
from tests.testbed.kubernetes.kstatus import Status, kstatus, waited_for

CRASHING = replace(UP, health=Health.EXITED, restarts=5, message="exit code 1")


def item(generation: int = 3, *, deleting: bool = False, **changes: Any) -> dict[str, Any]:
    """The object as an API server keeps it, with the status that the engine writes in such a situation."""
    metadata: dict[str, Any] = {"name": "acme", "generation": generation}
    if deleting:
        metadata["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    return {"metadata": metadata, "status": status_of(situation(deleting=deleting, **changes), 1e9)}


@pytest.mark.parametrize(
    ("found", "expected", "ends"),
    [
        (item(), Status.CURRENT, True),
        (item(plan=WAITING), Status.IN_PROGRESS, False),
        (item(generation=4), Status.IN_PROGRESS, False),
        (item(deleting=True, plan=WAITING), Status.TERMINATING, False),
        (item(problems=("spec.version: is required",)), Status.FAILED, False),
        (item(errors=(Trouble("PortTaken", "port 9000"),), plan=WAITING), Status.FAILED, False),
        (item(plan=WAITING, overdue=True), Status.FAILED, False),
        (item(observed=Observed((CRASHING,), (MIGRATED,)), plan=WAITING), Status.FAILED, False),
        (item(document={"spec": {"suspend": True}}), Status.IN_PROGRESS, False),
        ({"metadata": {"generation": 1}, "status": UNSEEN}, Status.IN_PROGRESS, False),
    ],
    ids=[
        *("running", "converging", "changed a moment ago", "being deleted", "not valid", "port taken", "overdue"),
        *("crashing", "suspended", "seen by no controller"),
    ],
)
def test_a_state_is_read_as_it_is_meant(found: dict[str, Any], expected: Status, ends: bool) -> None:
    assert kstatus(found) is expected
    assert waited_for(found) is ends


@pytest.mark.parametrize("kind", ["ChatSystem", "ChatSystemBackup", "ChatSystemRestore"])
def test_what_no_controller_has_seen_is_born_with_a_status_that_says_so(kind: str) -> None:
    (version,) = definition(kind)["spec"]["versions"]
    assert version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"] == UNSEEN
