"""A node in name only: pods of a cluster without nodes become ready as soon as a test wants them to, so that the API server and
its controllers can be watched without running anything.

What it plays is the kubelet's part: the status of pods. Everything else (Deployments, ReplicaSets, Jobs, garbage collection) is done by
the cluster's own controllers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from controller.targets.kubernetes.kinds import POD
from tests.testbed.kubernetes.raw import Raw

LOOK = 0.3
Pod = dict[str, Any]


def ready(pod: Pod) -> dict[str, Any]:
    """The status of a pod that serves; of a job's pod, one that has succeeded."""
    names = [container["name"] for container in pod["spec"]["containers"]]
    if _is_of_job(pod):
        ended = {"exitCode": 0, "reason": "Completed"}
        return {
            "phase": "Succeeded",
            "containerStatuses": [_container(pod, name, {"terminated": ended}) for name in names],
        }
    since = pod["metadata"]["creationTimestamp"]
    kinds = ("PodScheduled", "Ready", "ContainersReady", "Initialized")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": since} for kind in kinds]
    running = {"running": {"startedAt": since}}
    statuses = [_container(pod, name, running, ready=True) for name in names]
    return {"phase": "Running", "conditions": conditions, "containerStatuses": statuses, "hostIP": "192.0.2.1"}


def crashing(words: str, restarts: int = 5) -> Callable[[Pod], dict[str, Any]]:
    """The status of a pod whose container ends over and over, with these last words."""

    def status(pod: Pod) -> dict[str, Any]:
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": words}}
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
        return _waiting(pod, waiting, last=ended, restarts=restarts)

    return status


def without_image(pod: Pod) -> dict[str, Any]:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image: not found"}}
    return _waiting(pod, waiting)


def out_of_memory(pod: Pod) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    return _waiting(pod, {"waiting": {"reason": "CrashLoopBackOff"}}, last=ended, restarts=2)


def failed(words: str) -> Callable[[Pod], dict[str, Any]]:
    """The status of a job's pod that has failed, with these last words."""

    def status(pod: Pod) -> dict[str, Any]:
        state = {"terminated": {"exitCode": 3, "reason": "Error", "message": words}}
        names = [container["name"] for container in pod["spec"]["containers"]]
        return {"phase": "Failed", "containerStatuses": [_container(pod, name, state) for name in names]}

    return status


def untouched(pod: Pod) -> None:
    """The pod stays as the scheduler left it."""
    return None


Outcome = Callable[[Pod], dict[str, Any] | None]


class HollowNode:
    """Looks after the pods of some namespaces until `stop`. `outcomes`: component -> what becomes of its pods, `ready` if it is not
    there."""

    def __init__(self, kubeconfig: Path, namespaces: Iterable[str]) -> None:
        self._api = Raw(kubeconfig)
        self._namespaces = list(namespaces)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="hollow node", daemon=True)
        self.outcomes: dict[str, Outcome] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(30)

    def _look_after(self) -> None:
        while not self._ended.wait(LOOK):
            for namespace in self._namespaces:
                pods = self._api.get(POD.path(namespace)) or {}
                for pod in pods.get("items") or ():
                    self._settle(pod)

    def _settle(self, pod: Pod) -> None:
        metadata = pod["metadata"]
        component = metadata.get("labels", {}).get("app.kubernetes.io/component", "")
        wanted = self.outcomes.get(component, ready)(pod)
        have = pod.get("status", {})
        if wanted is not None and not all(_same(value, have.get(key)) for key, value in wanted.items()):
            self._api.merge(POD.path(metadata["namespace"], metadata["name"], "status"), {"status": wanted})


def _waiting(
    pod: Pod, state: dict[str, Any], *, last: dict[str, Any] | None = None, restarts: int = 0
) -> dict[str, Any]:
    names = [container["name"] for container in pod["spec"]["containers"]]
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]
    statuses = [{**_container(pod, name, state), "lastState": last or {}, "restartCount": restarts} for name in names]
    return {"phase": "Running" if last else "Pending", "conditions": conditions, "containerStatuses": statuses}


def _container(pod: Pod, name: str, state: dict[str, Any], *, ready: bool = False) -> dict[str, Any]:
    image = next(item["image"] for item in pod["spec"]["containers"] if item["name"] == name)
    common = {"name": name, "image": image, "imageID": "", "ready": ready, "restartCount": 0}
    return {**common, "state": state}


def _same(wanted: Any, have: Any) -> bool:
    """Whether what is there has at least what is wanted, entry by entry."""
    if isinstance(wanted, dict):
        return isinstance(have, dict) and all(_same(value, have.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(have, list) and len(wanted) == len(have) and all(map(_same, wanted, have))
    return bool(wanted == have) or (not wanted and not have)


def _is_of_job(pod: Pod) -> bool:
    return any(owner["kind"] == "Job" for owner in pod["metadata"].get("ownerReferences", ()))
