"""How far the platform is with one object, by kstatus' rules
(https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.engine.reasons import Reason
from controller.targets.kubernetes.inventory import is_leaving, key_of, words
from controller.targets.kubernetes.kinds import Object


@dataclass(frozen=True)
class Progress:
    """`served`: at least one instance is available and none of an older form is left. With a `reason`, waiting alone will
    hardly help."""

    served: bool = True
    ready: bool = True
    message: str = ""
    reason: str = ""


def progress_of(item: Object) -> Progress:
    """Of kinds that have no progress: ready as soon as they are there."""
    name = words(key_of(item))
    if is_leaving(item):
        return Progress(False, False, f"{name} is being removed before it is made anew")
    observed = item.get("status", {}).get("observedGeneration")
    if observed is not None and observed < item["metadata"].get("generation", 0):
        return Progress(False, False, f"{name} has just been changed")
    return _OF_KIND.get(item["kind"], _at_once)(item)


def _deployment(item: Object) -> Progress:
    status, wanted = item.get("status", {}), item.get("spec", {}).get("replicas", 1)
    if "observedGeneration" not in status:
        return Progress(False, False, "has just been made")
    updated, available, total = (status.get(key) or 0 for key in ("updatedReplicas", "availableReplicas", "replicas"))
    served = total == updated and (available > 0 or wanted == 0)
    ready = served and updated == wanted == available
    failure = _condition(item, "ReplicaFailure")
    if failure.get("status") == "True":
        return Progress(served, ready, str(failure.get("message")), _why_no_pod(str(failure.get("message"))))
    if _condition(item, "Progressing").get("reason") == "ProgressDeadlineExceeded" and not ready:
        return Progress(served, False, _counts(updated, available, wanted), Reason.DEADLINE_EXCEEDED)
    return Progress(served, ready, "" if ready else _counts(updated, available, wanted))


def _stateful_set(item: Object) -> Progress:
    status, wanted = item.get("status", {}), item.get("spec", {}).get("replicas", 1)
    if "observedGeneration" not in status:
        return Progress(False, False, "has just been made")
    total, available = status.get("replicas") or 0, status.get("availableReplicas") or 0
    # It counts updated replicas only during an update; afterwards both revisions are the same.
    rolling = status.get("currentRevision") != status.get("updateRevision")
    updated = (status.get("updatedReplicas") or 0) if rolling else total
    served = total == updated and (available > 0 or wanted == 0)
    ready = served and updated == wanted == available
    return Progress(served, ready, "" if ready else _counts(updated, available, wanted))


def _claim(item: Object) -> Progress:
    """A claim may wait for its first pod, so it holds nothing up by itself; a lost volume does."""
    phase = item.get("status", {}).get("phase")
    name = item["metadata"]["name"]
    if phase == "Lost":
        return Progress(False, False, f"the volume of {name} is gone; restore it, or a backup", Reason.VOLUME_PENDING)
    if phase != "Bound":
        return Progress(True, True, f"the volume {name} is not provided yet")
    return Progress()


def _service(item: Object) -> Progress:
    if item.get("spec", {}).get("type") != "LoadBalancer":
        return Progress()
    if item.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return Progress()
    return Progress(
        True, False, f"Service {item['metadata']['name']} waits for an address from the cluster's load balancer"
    )


def _at_once(_: Object) -> Progress:
    return Progress()


_OF_KIND: Mapping[str, Callable[[Object], Progress]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
}


def _counts(updated: int, available: int, wanted: int) -> str:
    return f"{available} of {wanted} available, {updated} up to date"


def _why_no_pod(message: str) -> str:
    return Reason.QUOTA_EXCEEDED if "exceeded quota" in message else Reason.FORBIDDEN


def _condition(item: Object, type_: str) -> Mapping[str, Any]:
    conditions = item.get("status", {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == type_), {})
