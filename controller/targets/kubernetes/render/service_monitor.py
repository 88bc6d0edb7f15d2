"""The ServiceMonitor of a workload with metrics, for clusters that run the Prometheus Operator. Pure.

https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.scope import Scope

PORT = "metrics"


def service_monitor(scope: Scope, workload: Workload) -> Manifest | None:
    if not scope.surroundings.monitoring or all(port.name != PORT for port in workload.ports):
        return None
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": scope.metadata(scope.object_name(workload), workload),
        "spec": {
            "endpoints": [{"path": "/metrics", "port": PORT}],
            # Makes the label `job` of the samples what the alert rules in charts/monitoring expect.
            "jobLabel": "app.kubernetes.io/name",
            "podTargetLabels": ["app.kubernetes.io/instance", "app.kubernetes.io/component"],
            "selector": {"matchLabels": scope.selector(workload)},
        },
    }
