"""What is mounted into a pod: claims, secrets, and directories that go with it. Pure."""

from __future__ import annotations

from controller.blueprint.workload import Volume, Workload
from controller.targets.kubernetes.render import references
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.names import PREFIX, label_name
from controller.targets.kubernetes.render.scope import Scope

_READABLE = 0o440
"""By the pod's group: the files of a Secret belong to root."""
_MEMORY = "16Mi"


def volumes(scope: Scope, workload: Workload) -> list[Manifest]:
    found: list[Manifest] = [
        {"name": _data(volume), "persistentVolumeClaim": {"claimName": claim_name(scope, volume)}}
        for volume in workload.volumes
    ]
    for secret, keys in references.secrets(workload).items():
        source = {
            "secretName": scope.secret_object(secret),
            "defaultMode": _READABLE,
            "items": [{"key": key, "path": key} for key in keys],
        }
        found.append({"name": _secret(secret), "secret": source})
    found.append({"name": "tmp", "emptyDir": {}})
    for number, scratch in enumerate(workload.scratch):
        source = {"medium": "Memory", "sizeLimit": _MEMORY} if scratch.memory else {}
        found.append({"name": f"scratch-{number}", "emptyDir": source})
    return found


def mounts(workload: Workload) -> list[Manifest]:
    found: list[Manifest] = [{"name": _data(volume), "mountPath": volume.mount} for volume in workload.volumes]
    for secret in references.secrets(workload):
        path = f"{references.SECRETS}/{secret}"
        found.append({"name": _secret(secret), "mountPath": path, "readOnly": True})
    found.append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108 - the container's own
    found += [
        {"name": f"scratch-{number}", "mountPath": scratch.mount} for number, scratch in enumerate(workload.scratch)
    ]
    return found


def claim_name(scope: Scope, volume: Volume) -> str:
    return scope.name("data", volume.name)


def mark(volume: Volume) -> str:
    """The label of pods that mount a volume."""
    return f"{PREFIX}/volume-{volume.name}"


def _data(volume: Volume) -> str:
    return label_name(f"data-{volume.name}")


def _secret(name: str) -> str:
    return label_name(f"secret-{name}")
