"""What tools make of an object's status: the rules of kstatus for a kind that they know nothing of
(https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md). Flux and Helm 4 go by them; `kubectl wait` reads one
condition."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


def kstatus(item: Mapping[str, Any]) -> Status:
    """Of an object with `metadata` and, perhaps, `status`."""
    metadata, status = item["metadata"], item.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Status.TERMINATING
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return Status.IN_PROGRESS
    conditions = status.get("conditions") or ()
    for condition in conditions:
        match condition["type"], condition["status"]:
            case "Reconciling", "True":
                return Status.IN_PROGRESS
            case "Stalled", "True":
                return Status.FAILED
    for condition in conditions:
        if condition["type"] == "Ready" and condition["status"] != "True":
            return Status.IN_PROGRESS
    return Status.CURRENT


def waited_for(item: Mapping[str, Any], condition: str = "Ready") -> bool:
    """Whether `kubectl wait --for=condition=…` ends: a condition that speaks of an older declaration does not count."""
    generation = item["metadata"]["generation"]
    return any(
        each["type"] == condition
        and each["status"] == "True"
        and each.get("observedGeneration", generation) >= generation
        for each in (item.get("status") or {}).get("conditions") or ()
    )
