"""Where pods may run: affinity and spread. Pure.

Constraints are written as Docker writes them, so that one declaration serves both platforms; `constraint` says what each means here.
"""

from __future__ import annotations

import re

from controller.blueprint.workload import Placement, Workload
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.volumes import mark

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"

_CONSTRAINT = re.compile(r"^(\S+?)\s*(==|!=)\s*(\S+)$")
_LABEL_KEY = re.compile(r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
_LABEL_VALUE = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
_ATTRIBUTES = {
    "node.hostname": HOSTNAME,
    "node.platform.os": "kubernetes.io/os",
    "node.platform.arch": "kubernetes.io/arch",
}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
KNOWN = "node.labels.NAME, node.hostname, node.role, node.platform.os or node.platform.arch"


def problems(placement: Placement) -> list[str]:
    """What in it has no meaning on Kubernetes, in words."""
    found = []
    for text in placement.constraints:
        try:
            constraint(text)
        except ValueError as error:
            found.append(str(error))
    for text in placement.preferences:
        try:
            topology_key(text)
        except ValueError as error:
            found.append(str(error))
    return found


def constraint(text: str) -> Manifest:
    """A requirement of node affinity. Raises ValueError if Kubernetes knows nothing of the kind."""
    parts = _CONSTRAINT.match(text.strip())
    if parts is None:
        raise ValueError(
            f"the constraint {text!r} is not of the form NAME == VALUE; write {KNOWN}, == or !=, and a value"
        )
    name, operator, value = parts.groups()
    if name == "node.role":
        if value not in {"manager", "worker"}:
            raise ValueError(
                f"the constraint {text!r} names no role; write node.role == manager or node.role == worker"
            )
        exists = (value == "manager") == (operator == "==")
        return {"key": CONTROL_PLANE, "operator": "Exists" if exists else "DoesNotExist"}
    key = _key(name, f"the constraint {text!r}")
    if not _LABEL_VALUE.match(value):
        raise ValueError(
            f"the constraint {text!r} has a value that no label can have; use letters, digits, '-', '_' and '.'"
        )
    value = _ARCHITECTURES.get(value, value) if name == "node.platform.arch" else value
    return {"key": key, "operator": "In" if operator == "==" else "NotIn", "values": [value]}


def topology_key(text: str) -> str:
    """The label of nodes over whose values replicas are spread. Raises ValueError."""
    return _key(text.strip().removeprefix("spread="), f"the preference {text!r}")


def _key(name: str, subject: str) -> str:
    key = _ATTRIBUTES.get(name) or (name.removeprefix("node.labels.") if name.startswith("node.labels.") else "")
    if not key:
        raise ValueError(f"{subject} has no meaning on Kubernetes; write {KNOWN}")
    if not _LABEL_KEY.match(key):
        raise ValueError(f"{subject} names {key!r}, which cannot be a label of a node")
    return key


def affinity(scope: Scope, workload: Workload) -> Manifest | None:
    return given({"nodeAffinity": _nodes(workload.placement), "podAffinity": _together(scope, workload)}) or None


def _nodes(placement: Placement) -> Manifest | None:
    term = given(
        {
            "matchExpressions": [constraint(text) for text in placement.constraints],
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": [placement.node]}]
            if placement.node
            else None,
        }
    )
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}} if term else None


def _together(scope: Scope, workload: Workload) -> Manifest | None:
    """Pods that mount a volume of one node have to be on the same node."""
    terms = [
        {
            "labelSelector": {
                "matchLabels": {"app.kubernetes.io/instance": scope.system.name, mark(volume): "true"},
            },
            "topologyKey": HOSTNAME,
        }
        for volume in workload.volumes
        if not volume.shared and not _alone(scope, workload, volume.name)
    ]
    return {"requiredDuringSchedulingIgnoredDuringExecution": terms} if terms else None


def _alone(scope: Scope, workload: Workload, volume: str) -> bool:
    """Whether at most one pod mounts the volume."""
    users = [other for other in scope.blueprint.workloads if any(item.name == volume for item in other.volumes)]
    return len(users) == 1 and most(workload) <= 1


def most(workload: Workload) -> int:
    """The most replicas that it may have."""
    return workload.scaling.maximum if workload.scaling else workload.replicas


def spread(scope: Scope, workload: Workload) -> list[Manifest] | None:
    """Replicas over zones and nodes, as evenly as can be: a node that is full is no reason to have fewer."""
    if most(workload) <= 1 or _together(scope, workload):
        return None
    keys = [topology_key(text) for text in workload.placement.preferences] or [ZONE]
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": scope.selector(workload)},
            # Replicas of the version that goes do not count.
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in dict.fromkeys((*keys, HOSTNAME))
    ]
