"""Declarations, revisions and events as objects of an API server, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.engine.model import Event, Revision, Verdict
from controller.targets.kubernetes import documents

SYSTEM: dict[str, Any] = {
    "apiVersion": "chatsystem.dev/v1alpha1",
    "kind": "ChatSystem",
    "metadata": {
        "name": "acme",
        "namespace": "chat",
        "uid": "u-1",
        "generation": 4,
        "annotations": {"chatsystem.dev/paused": "true"},
        "managedFields": [
            {"manager": "kubectl", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
            {"manager": "argocd", "time": "2026-02-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
            {"manager": "us", "time": "2026-03-01T00:00:00Z", "fieldsV1": {"f:status": {}}, "subresource": "status"},
        ],
    },
    "spec": {"version": "1"},
    "status": {"phase": "Running"},
}
REVISION = Revision(3, 4, 1000.5, "ann", {"spec": {"version": "1"}}, "spec.version: 0 -> 1", Verdict.FAILED, "why", 2.5)


def test_a_declaration_is_what_a_person_gave_and_knows_its_object() -> None:
    stored = documents.stored_of(SYSTEM, "chat/acme")
    assert stored.document["metadata"] == {"name": "acme", "namespace": "chat", "uid": "u-1"}
    assert (stored.generation, stored.paused, stored.deleting, stored.author) == (4, True, False, "argocd")


@pytest.mark.parametrize(
    ("spec", "needed"),
    [({}, False), ({"deletionPolicy": "Retain"}, False), ({"deletionPolicy": "Delete"}, True), (None, False)],
)
def test_only_a_policy_that_asks_for_something_needs_a_finalizer(spec: Any, needed: bool) -> None:
    assert documents.needs_finalizer({"spec": spec}) is needed


def test_a_revision_comes_back_as_it_was_and_belongs_to_its_system() -> None:
    item = documents.revision_object(SYSTEM, REVISION)
    assert documents.revision_of(item) == REVISION
    assert item["metadata"]["ownerReferences"][0]["uid"] == "u-1"


def test_what_became_of_a_revision_may_change_but_not_what_was_declared() -> None:
    before, after = (
        documents.revision_object(SYSTEM, revision)
        for revision in (REVISION, replace(REVISION, verdict=Verdict.RELEASED))
    )
    assert before["data"] == after["data"]


def test_the_last_good_revision_is_kept_however_many_failed_since() -> None:
    document = {"spec": {"release": {"historyLimit": 2}}}
    verdicts = [Verdict.RELEASED, Verdict.RELEASED, Verdict.FAILED, Verdict.FAILED, Verdict.PENDING]
    revisions = [replace(REVISION, number=n, verdict=v, document=document) for n, v in enumerate(verdicts, 1)]
    assert documents.surplus(revisions) == {1, 3}


def test_an_event_comes_back_as_it_was() -> None:
    event = Event(1_700_000_000.25, "Normal", "Applied", "gateway: Deployment acme-gateway is missing", "gateway")
    assert documents.event_of(documents.event_object(SYSTEM, event, "one")) == event
    general = replace(event, component="", message="revision 1")
    assert documents.event_of(documents.event_object(SYSTEM, general, "one")) == general


def test_a_note_has_the_length_that_the_api_server_allows() -> None:
    event = Event(1.0, "Normal", "Applied", "x" * 5000)
    assert len(documents.event_object(SYSTEM, event, "one")["note"]) <= 1024


def test_a_status_is_written_when_something_differs_and_only_then() -> None:
    body = documents.status_body(
        SYSTEM, {"phase": "Running", "components": [{"name": "user"}], "lastGoodRevision": None}
    )
    live = {**body["status"], "lastBackup": "", "components": [{"name": "user", "version": ""}]}
    assert documents.same_status(body["status"], live)
    assert not documents.same_status(body["status"], {**live, "lastGoodRevision": 2})
    assert not documents.same_status(body["status"], {**live, "phase": "other"})
    assert not documents.same_status(body["status"], {**live, "components": []})


def test_a_status_is_of_this_very_object_and_names_the_gateways() -> None:
    body = documents.status_body(SYSTEM, {})
    assert body["metadata"]["uid"] == "u-1"
    assert "app.kubernetes.io/component=gateway" in body["status"]["gatewaySelector"]
