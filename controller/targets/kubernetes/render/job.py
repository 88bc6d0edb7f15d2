"""The Job of a workload that runs to its end. Pure.

Its name holds the digest of the workload and the number of the run, for a Job cannot be changed: it is created, looked at, and never applied a second time.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render import pod
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.quantities import seconds
from controller.targets.kubernetes.render.scope import Scope

RETRIES = 2
"""Pods after the first one. When they have failed too, the controller says so, and a further try is another Job."""


def job(scope: Scope, workload: Workload) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": scope.metadata(scope.object_name(workload), workload),
        "spec": given(
            {
                "activeDeadlineSeconds": None if workload.deadline is None else seconds(workload.deadline, least=1),
                "backoffLimit": RETRIES,
                "completionMode": "NonIndexed",
                "completions": 1,
                "parallelism": 1,
                "suspend": workload.replicas == 0,
                "template": pod.template(scope, workload),
            }
        ),
    }
