"""The HorizontalPodAutoscaler of a service whose declaration asks for it. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.quantities import seconds
from controller.targets.kubernetes.render.scope import Scope


def scales(workload: Workload) -> bool:
    """Whether the number of replicas is an autoscaler's to choose; a suspended workload has 0, whatever the load."""
    return workload.scaling is not None and workload.replicas > 0


def horizontal_pod_autoscaler(scope: Scope, workload: Workload) -> Manifest | None:
    scaling = workload.scaling
    if scaling is None or not scales(workload):
        return None
    name = scope.object_name(workload)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": scope.metadata(name, workload),
        "spec": {
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": seconds(scaling.scale_down_delay)}},
            "maxReplicas": scaling.maximum,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": scaling.target_cpu},
                    },
                }
            ],
            "minReplicas": scaling.minimum,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        },
    }
