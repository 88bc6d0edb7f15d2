"""The Deployment of a service. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/
"""

from __future__ import annotations

from controller.api.quantity import seconds_of
from controller.blueprint.workload import Update, Workload
from controller.targets.kubernetes.render import pod
from controller.targets.kubernetes.render.horizontal_pod_autoscaler import scales
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.quantities import seconds
from controller.targets.kubernetes.render.scope import Scope

REVISIONS = 2
"""Old ReplicaSets that are kept. The history of a system is the controller's; these are for a person who looks at what was there."""


def deployment(scope: Scope, workload: Workload) -> Manifest:
    observe = seconds(seconds_of(scope.system.spec.release.observe))
    # It has to be more than the time for which a new pod is observed.
    deadline = max(seconds(scope.blueprint.release_timeout, least=1), observe + 1)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": scope.metadata(scope.object_name(workload), workload),
        "spec": given(
            {
                # With an autoscaler the number is its to choose (targets/kubernetes/scaling.py).
                "replicas": None if scales(workload) else workload.replicas,
                "minReadySeconds": observe or None,
                "progressDeadlineSeconds": deadline,
                "revisionHistoryLimit": REVISIONS,
                "selector": {"matchLabels": scope.selector(workload)},
                "strategy": _strategy(workload),
                "template": pod.template(scope, workload),
            }
        ),
    }


def _strategy(workload: Workload) -> Manifest:
    if workload.update is Update.STOP_FIRST:
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
