"""The ConfigMap with a workload's environment. Pure.

It is named by its content and never changed: pods of two versions each keep theirs while one gives way to the other, and a rollback finds the
old one again.
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.names import digest_of
from controller.targets.kubernetes.render.references import differs_by_pod, secret_path, verbatim
from controller.targets.kubernetes.render.scope import Scope


def config_map(scope: Scope, workload: Workload) -> Manifest | None:
    """None: the environment is empty. Variables that differ from pod to pod are in the pod's template instead."""
    data = {
        name: verbatim(scope, workload, text) for name, text in workload.environment.items() if not differs_by_pod(text)
    }
    data |= {name: secret_path(*secret) for name, secret in workload.secrets.items()}
    if not data:
        return None
    data = dict(sorted(data.items()))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": scope.metadata(scope.name(workload.name, digest_of(data)[:10]), workload),
        "immutable": True,
        "data": data,
    }
