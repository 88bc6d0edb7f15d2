"""The references in a workload's texts, resolved for a pod. Pure.

What differs from pod to pod becomes `$(POD_NAME)` and `$(POD_IP)`, which the kubelet replaces in the values of `env`, in `command` and in
`args`, and nowhere else (https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.scope import Scope

SECRETS = "/run/chatsystem/secrets"
POD_VARIABLES = {"instance": ("POD_NAME", "metadata.name"), "ip": ("POD_IP", "status.podIP")}
"""Reference -> the variable that stands for it, and the field of the pod that the variable holds."""

_REFERENCE = re.compile(r"\{(address|port|volume|secret|instance|ip)(?::([^:{}]+))?(?::([^:{}]+))?\}")


def differs_by_pod(text: str) -> bool:
    """Whether its value is only known when a pod exists."""
    return any(found[1] in POD_VARIABLES for found in _REFERENCE.finditer(text))


def expanded(scope: Scope, workload: Workload, text: str) -> str:
    """The text for a place where the kubelet replaces variables: what looks like one and is none is escaped."""
    return _resolved(scope, workload, text.replace("$(", "$$("))


def verbatim(scope: Scope, workload: Workload, text: str) -> str:
    """The text for a place where nothing is replaced."""
    return _resolved(scope, workload, text)


def addresses(workload: Workload) -> Iterator[tuple[str, str]]:
    """The (workload, port) that it is told of."""
    for text in (*workload.command, *workload.arguments, *workload.environment.values()):
        for found in _REFERENCE.finditer(text):
            if found[1] == "address":
                yield found[2], found[3]


def secrets(workload: Workload) -> dict[str, tuple[str, ...]]:
    """The secrets that it reads, each with the keys."""
    read = set(workload.secrets.values())
    for text in (*workload.command, *workload.arguments, *workload.environment.values()):
        read |= {(found[2], found[3]) for found in _REFERENCE.finditer(text) if found[1] == "secret"}
    return {name: tuple(sorted(key for other, key in read if other == name)) for name, _ in sorted(read)}


def without_addresses(text: str) -> str:
    """The text without its references to other workloads."""
    return _REFERENCE.sub(lambda found: "" if found[1] == "address" else found[0], text)


def secret_path(name: str, key: str) -> str:
    """Where a container finds the value."""
    return f"{SECRETS}/{name}/{key}"


def _resolved(scope: Scope, workload: Workload, text: str) -> str:
    in_url = "://" in text

    def value(found: re.Match[str]) -> str:
        kind, name, key = found[1], found[2] or "", found[3] or ""
        match kind:
            case "instance" | "ip":
                return f"$({POD_VARIABLES[kind][0]})"
            case "port":
                return str(_port(workload, name))
            case "address":
                called = scope.blueprint.workload(name)
                if called is None:
                    raise KeyError(f"{workload.name} is told of {name}, which is not in the blueprint")
                return f"{scope.host(name)}:{_port(called, key)}"
            case "volume":
                mount = next(volume.mount for volume in workload.volumes if volume.name == name)
                return quote(mount) if in_url else mount
            case _:
                return secret_path(name, key)

    return _REFERENCE.sub(value, text)


def _port(workload: Workload, name: str) -> int:
    for port in workload.ports:
        if port.name == name:
            return port.number
    raise KeyError(f"{workload.name} has no port named {name}")
