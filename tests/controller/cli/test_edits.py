"""The verbs that edit a declaration: which document they put, and what they refuse."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controller.cli.delete import policy_of, without_data
from controller.cli.failure import Failure
from controller.cli.rollback import choose
from controller.cli.scale import scaled
from controller.engine.model import Revision, Verdict


def document(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "chat"}, "spec": {"version": "1", **spec}}


def revision(number: int, verdict: Verdict, **spec: Any) -> Revision:
    return Revision(number, number, 0.0, "somebody", document(**spec), "", verdict)


def test_scaling_changes_replicas_and_nothing_else() -> None:
    before = document(services={"gateway": {"replicas": 1, "stopGrace": "5s"}})
    kept = copy.deepcopy(before)
    after = scaled(before, {"gateway": 3, "speech": 0})
    assert after == document(services={"gateway": {"replicas": 3, "stopGrace": "5s"}, "speech": {"replicas": 0}})
    assert before == kept


REVISIONS = [
    revision(1, Verdict.RELEASED, suspend=False),
    revision(2, Verdict.RELEASED),
    revision(3, Verdict.ROLLED_BACK, suspend=True),
]


def test_a_rollback_goes_to_the_last_good_revision_that_differs() -> None:
    assert choose(REVISIONS, document(suspend=True), None).number == 2
    assert choose(REVISIONS, document(), None).number == 1


def test_a_rollback_goes_to_the_revision_that_is_named() -> None:
    assert choose(REVISIONS, document(), 3).number == 3


def test_a_rollback_to_a_revision_that_is_not_kept_names_those_that_are() -> None:
    with pytest.raises(Failure, match="there is no revision 9; kept are: 1, 2, 3"):
        choose(REVISIONS, document(), 9)


def test_a_rollback_with_nothing_to_go_back_to_is_refused() -> None:
    with pytest.raises(Failure, match="no other good revision"):
        choose(REVISIONS[1:2], document(), None)


@pytest.mark.parametrize(
    ("declared", "policy"),
    [
        (document(), "Retain"),
        (document(deletionPolicy="Delete"), "Delete"),
        (document(deletionPolicy="Explode"), "Retain"),
        ({}, "Retain"),
        ({"spec": None}, "Retain"),
    ],
)
def test_the_policy_of_an_unclear_document_keeps_data(declared: dict[str, Any], policy: str) -> None:
    assert policy_of(declared) == policy


def test_purging_sets_the_policy_even_of_an_invalid_document() -> None:
    assert without_data("chat", {"spec": 5})["spec"] == {"deletionPolicy": "Delete"}
    assert without_data("chat", document(deletionPolicy="BackupThenDelete"))["spec"]["deletionPolicy"] == "Delete"
