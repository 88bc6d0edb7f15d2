"""The security context of pods and containers, within the restricted standard. Pure.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.manifest import Manifest, given

USER = 10001
"""Of the services' image, and of any other that does not ask for one of its own."""
PRIVILEGED_PORTS = 1024


def of_pod(workload: Workload) -> Manifest:
    user = USER if workload.user is None else workload.user
    group = user if workload.group is None else workload.group
    low = any(port.number < PRIVILEGED_PORTS for port in workload.ports)
    return given(
        {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": group,
            # Volumes belong to this group. Changing the owner of every file at each start of a large volume would take long.
            "fsGroup": group or user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
            # In the pod's own network only: lets a process without privileges listen on 80 or 443.
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}] if low else None,
        }
    )


def of_container() -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
    }
