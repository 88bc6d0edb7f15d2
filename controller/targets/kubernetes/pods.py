"""Pods in the engine's words: which instance each one is, how it is, and why it is not well. Pure.

What a container said last is in its termination message, because ours are rendered with
`terminationMessagePolicy: FallbackToLogsOnError`
(https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.engine.model import Health, Instance
from controller.engine.reasons import Reason
from controller.targets.kubernetes.inventory import COMPONENT, is_leaving, labels_of
from controller.targets.kubernetes.kinds import Object

PATIENCE = 30.0
"""Seconds in which a pod may want an image, a node or a volume before a person is told: a new node takes longer, but
nobody minds being told of one."""
STARTS_WITHIN = 60.0
LAST_WORDS = 500

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})


@dataclass(frozen=True)
class Ailment:
    """Why a pod is not well. With a `reason`, waiting alone will hardly help."""

    message: str
    reason: str = ""


def seconds(timestamp: str | None) -> float:
    """Unix seconds of an RFC 3339 timestamp; 0 for none."""
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() if timestamp else 0.0


def is_instance(pod: Object) -> bool:
    """Whether it runs or is to run. One that has ended for good, as after an eviction, is replaced by the platform, and those of
    jobs are told of with the job."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return _phase(pod) not in {"Succeeded", "Failed"} and all(owner.get("kind") != "Job" for owner in owners)


def instance_of(pod: Object, now: float) -> Instance:
    """`now` in Unix seconds. Its version and digest are for whoever knows the blueprint to add."""
    metadata = pod["metadata"]
    workload = labels_of(pod).get(COMPONENT, "")
    ailment = ailment_of(pod, now)
    return Instance(
        id=metadata["name"],
        workload=workload,
        index=_index(pod),
        digest="",
        health=_health(pod, now),
        components=(workload,),
        restarts=_restarts(pod, now),
        started_at=seconds(pod.get("status", {}).get("startTime")),
        message=ailment.message if ailment else "",
    )


def ailment_of(pod: Object, now: float) -> Ailment | None:
    """The most telling reason why a pod is not ready; None: it is, or it is only starting."""
    if is_ready(pod):
        return None
    name = pod["metadata"]["name"]
    patient = now - seconds(pod["metadata"].get("creationTimestamp")) < PATIENCE
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        words = f"{name} has no node: {scheduled.get('message') or scheduled.get('reason')}"
        volume = "unbound immediate PersistentVolumeClaims" in words
        reason = Reason.VOLUME_PENDING if volume else Reason.UNSCHEDULABLE
        return Ailment(words, "" if patient else reason)
    for container, status in _containers(pod):
        found = _of_container(f"{name}/{container}", status, patient)
        if found is not None:
            return found
    if _phase(pod) == "Running":
        return Ailment(f"{name} runs and is not ready yet")
    return None


def last_words(pod: Object) -> str:
    """What its containers said when they ended, if one failed."""
    for _, status in _containers(pod):
        ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
        if ended and (ended.get("exitCode") or ended.get("message")):
            return _end(ended)
    return str(pod.get("status", {}).get("message") or "")


def is_ready(pod: Object) -> bool:
    return _condition(pod, "Ready").get("status") == "True"


def _of_container(name: str, status: Mapping[str, Any], patient: bool) -> Ailment | None:
    waiting = status.get("state", {}).get("waiting") or {}
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
    why, more = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if why in _IMAGE:
        return Ailment(
            f"{name}: the image {status.get('image')} cannot be fetched: {more or why}",
            "" if patient else Reason.IMAGE_UNAVAILABLE,
        )
    if why in _CONFIGURATION:
        missing = "not found" in more and "secret" in more
        reason = Reason.SECRET_MISSING if missing else Reason.STEP_FAILED
        return Ailment(f"{name} cannot be started: {more or why}", "" if patient else reason)
    if ended is not None and not status.get("ready"):
        return Ailment(f"{name} {_end(ended)}", Reason.OUT_OF_MEMORY if ended.get("reason") == "OOMKilled" else "")
    return None


def _end(ended: Mapping[str, Any]) -> str:
    """How a container ended: `ended with code 1; its last output: ...`."""
    if ended.get("reason") == "OOMKilled":
        how = "was ended because it reached its memory limit"
    elif ended.get("signal"):
        how = f"was ended by signal {ended['signal']}"
    else:
        how = f"ended with code {ended.get('exitCode')}"
    said = " ".join(str(ended.get("message") or "").split())[-LAST_WORDS:]
    return f"{how}; its last output: {said}" if said else how


def _health(pod: Object, now: float) -> Health:
    if is_leaving(pod):
        return Health.STOPPING
    if is_ready(pod):
        return Health.HEALTHY
    states = [status.get("state", {}) for _, status in _containers(pod)]
    crashing = any((state.get("waiting") or {}).get("reason") == "CrashLoopBackOff" for state in states)
    if crashing or any("terminated" in state for state in states):
        return Health.EXITED
    if _phase(pod) == "Running" and now - _latest_start(pod) > STARTS_WITHIN:
        return Health.UNREADY
    return Health.STARTING


def _restarts(pod: Object, now: float) -> int:
    """Deaths in a row: those of long ago do not count once it has run for a while."""
    settled = now - _latest_start(pod) > STARTS_WITHIN and _health(pod, now) is not Health.EXITED
    return 0 if settled else max((int(status.get("restartCount", 0)) for _, status in _containers(pod)), default=0)


def _latest_start(pod: Object) -> float:
    starts = [
        seconds((status.get("state", {}).get("running") or {}).get("startedAt")) for _, status in _containers(pod)
    ]
    return max(starts, default=0.0) or seconds(pod["metadata"].get("creationTimestamp"))


def _index(pod: Object) -> int:
    """The ordinal that a StatefulSet gives; others give none."""
    ordinal = labels_of(pod).get("apps.kubernetes.io/pod-index", "")
    return int(ordinal) if ordinal.isdecimal() else -1


def _containers(pod: Object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    status = pod.get("status", {})
    for item in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        yield item["name"], item


def _condition(pod: Object, type_: str) -> Mapping[str, Any]:
    conditions = pod.get("status", {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == type_), {})


def _phase(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase") or "Pending")
