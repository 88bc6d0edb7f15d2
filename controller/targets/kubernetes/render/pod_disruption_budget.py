"""The PodDisruptionBudget of a workload with replicas: when nodes are drained, one pod at a time goes. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/pod-disruption-budget-v1/
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.scope import Scope


def pod_disruption_budget(scope: Scope, workload: Workload) -> Manifest | None:
    """None: with one replica a budget would only keep a node from being drained."""
    least = workload.scaling.minimum if workload.scaling and workload.replicas else workload.replicas
    if least <= 1:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": scope.metadata(scope.object_name(workload), workload),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": scope.selector(workload)},
            # A pod that is not ready serves nobody, so it keeps no node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
