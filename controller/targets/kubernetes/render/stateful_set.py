"""The StatefulSet of a store: one pod with a name of its own, never two at once on the same data. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/stateful-set-v1/
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render import pod
from controller.targets.kubernetes.render.deployment import REVISIONS
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.service import headless_name


def stateful_set(scope: Scope, workload: Workload) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": scope.metadata(scope.object_name(workload), workload),
        "spec": {
            # With OrderedReady a pod that never became ready would keep its own repair from being rolled out
            # (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback).
            "podManagementPolicy": "Parallel",
            "replicas": workload.replicas,
            "revisionHistoryLimit": REVISIONS,
            "selector": {"matchLabels": scope.selector(workload)},
            "serviceName": headless_name(scope, workload),
            "template": pod.template(scope, workload),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        },
    }
