"""The API server's objects in the engine's words, and back: declarations, revisions, events. Pure.

A revision is a ControllerRevision, owned by its ChatSystem: the declaration is its data, which the API server lets nobody
change; what became of it is in annotations, which may change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from controller.api.metadata import API_VERSION, GROUP
from controller.engine.model import Event, Revision, Verdict
from controller.engine.ports import Stored
from controller.targets.kubernetes.compare import difference
from controller.targets.kubernetes.inventory import annotations_of
from controller.targets.kubernetes.kinds import EVENT, REVISION, Object
from controller.targets.kubernetes.pods import seconds
from controller.targets.kubernetes.render import names

PAUSED = f"{GROUP}/paused"
"""Annotation of a ChatSystem: while it is "true" nothing is changed."""
FINALIZER = f"{GROUP}/deletion"
KEPT = 10
LONGEST_NOTE = 1000
LONGEST_ANNOTATION = 4000
REPORTER = f"{GROUP}/controller"

_MAY_BE_ABSENT = ("lastGoodRevision",)
_VERDICT, _MESSAGE, _SECONDS = f"{GROUP}/verdict", f"{GROUP}/message", f"{GROUP}/seconds"


def stored_of(item: Object, key: str) -> Stored:
    """The declaration that a ChatSystem object is. `key`: what the engine calls it."""
    metadata = item["metadata"]
    kept = {name: metadata[name] for name in ("name", "namespace", "uid", "labels") if metadata.get(name)}
    return Stored(
        name=key,
        document={"apiVersion": API_VERSION, "kind": "ChatSystem", "metadata": kept, "spec": item.get("spec") or {}},
        generation=int(metadata.get("generation") or 0),
        author=author_of(item),
        paused=annotations_of(item).get(PAUSED) == "true",
        deleting=bool(metadata.get("deletionTimestamp")),
        status=item.get("status") or {},
    )


def author_of(item: Object) -> str:
    """Who wrote the spec last, as far as the API server knows: the program."""
    entries = item["metadata"].get("managedFields") or ()
    written = [entry for entry in entries if "f:spec" in (entry.get("fieldsV1") or {}) and not entry.get("subresource")]
    newest = max(written, key=lambda entry: entry.get("time") or "", default=None)
    return str(newest.get("manager") or "") if newest else ""


def policy_of(document: Mapping[str, Any]) -> str:
    """The deletion policy of a document that need not be valid."""
    spec = document.get("spec")
    policy = spec.get("deletionPolicy") if isinstance(spec, Mapping) else None
    return policy if policy in ("Delete", "BackupThenDelete") else "Retain"


def needs_finalizer(document: Mapping[str, Any]) -> bool:
    """With Retain, Kubernetes removes by ownership what is to go, without the controller; the data has no owner."""
    return policy_of(document) != "Retain"


def status_body(item: Object, status: Mapping[str, Any]) -> dict[str, Any]:
    """What is applied to the status: of this very object, with the selector that `kubectl scale` and autoscalers ask for."""
    metadata = item["metadata"]
    selector = ",".join(f"{key}={value}" for key, value in names.selector(metadata["name"], "gateway").items())
    filled = {key: value for key, value in {**status, "gatewaySelector": selector}.items() if value is not None}
    return {
        "apiVersion": API_VERSION,
        "kind": "ChatSystem",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
        "status": filled,
    }


def same_status(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether nothing has to be written. The API server adds defaults; what is not said any more has to go."""
    return not difference(wanted, live) and not [key for key in _MAY_BE_ABSENT if live.get(key) and key not in wanted]


def revision_object(item: Object, revision: Revision) -> dict[str, Any]:
    metadata = item["metadata"]
    return {
        "apiVersion": REVISION.api_version,
        "kind": REVISION.name,
        "metadata": {
            "name": names.joined(metadata["name"], "revision", str(revision.number)),
            "namespace": metadata["namespace"],
            "labels": names.labels(metadata["name"]),
            "annotations": {
                _VERDICT: str(revision.verdict),
                _MESSAGE: revision.message[:LONGEST_ANNOTATION],
                _SECONDS: f"{revision.seconds:.3f}",
            },
            "ownerReferences": [owner_of(item)],
        },
        "revision": revision.number,
        "data": {
            "generation": revision.generation,
            "time": revision.time,
            "author": revision.author,
            "summary": revision.summary,
            "document": revision.document,
        },
    }


def revision_of(item: Object) -> Revision:
    data, marks = item["data"], annotations_of(item)
    verdict = marks.get(_VERDICT, "")
    return Revision(
        number=int(item["revision"]),
        generation=int(data["generation"]),
        time=float(data["time"]),
        author=str(data.get("author", "")),
        document=data["document"],
        summary=str(data.get("summary", "")),
        verdict=Verdict(verdict) if verdict in list(Verdict) else Verdict.PENDING,
        message=marks.get(_MESSAGE, ""),
        seconds=float(marks.get(_SECONDS) or 0.0),
    )


def surplus(revisions: Sequence[Revision]) -> set[int]:
    """The numbers of those that need not be kept: beyond the limit of the newest, but never the last good one, which a person
    goes back to however many failed since. `revisions` oldest first."""
    if not revisions:
        return set()
    good = [item.number for item in revisions if item.verdict is Verdict.RELEASED]
    return {item.number for item in revisions[: -_limit(revisions[-1].document)]} - set(good[-1:])


def owner_of(item: Object) -> dict[str, Any]:
    """The owner reference to a ChatSystem, through which Kubernetes collects what belongs to it."""
    metadata = item["metadata"]
    reference = {"apiVersion": API_VERSION, "kind": "ChatSystem", "name": metadata["name"], "uid": metadata["uid"]}
    return {**reference, "controller": True, "blockOwnerDeletion": True}


def event_object(item: Object, event: Event, instance: str) -> dict[str, Any]:
    """https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/"""
    metadata = item["metadata"]
    text = f"{metadata['uid']}/{event.time}/{event.reason}/{event.message}/{event.component}"
    note = f"{event.component}: {event.message}" if event.component else event.message
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {
            "name": f"{metadata['name']}.{hashlib.sha256(text.encode()).hexdigest()[:16]}",
            "namespace": metadata["namespace"],
        },
        "eventTime": datetime.fromtimestamp(event.time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": REPORTER,
        "reportingInstance": instance[:128],
        "action": event.component or "Reconcile",
        "reason": str(event.reason),
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "ChatSystem",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "note": note if len(note) <= LONGEST_NOTE else f"{note[: LONGEST_NOTE - 1]}…",
        "type": event.type,
    }


def event_of(item: Object) -> Event:
    component = str(item.get("action") or "")
    component = "" if component == "Reconcile" else component
    return Event(
        time=seconds(item.get("eventTime") or item["metadata"].get("creationTimestamp")),
        type=str(item.get("type") or ""),
        reason=str(item.get("reason") or ""),
        message=str(item.get("note") or "").removeprefix(f"{component}: "),
        component=component,
    )


def _limit(document: Mapping[str, Any]) -> int:
    spec = document.get("spec")
    release = spec.get("release") if isinstance(spec, Mapping) else None
    limit = release.get("historyLimit") if isinstance(release, Mapping) else None
    return limit if isinstance(limit, int) and limit > 0 else KEPT
