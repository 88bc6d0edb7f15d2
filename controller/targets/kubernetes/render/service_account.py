"""The identity of a system's pods: one that may do nothing, and whose token they do not get. Pure."""

from __future__ import annotations

from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.scope import Scope


def service_account(scope: Scope) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": scope.metadata(service_account_name(scope)),
        "automountServiceAccountToken": False,
    }


def service_account_name(scope: Scope) -> str:
    return scope.name("workload")
