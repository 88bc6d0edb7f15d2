"""The Job of an errand: one run of a program beside a system, which is no part of it and leaves nothing behind. Pure."""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.job import job
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.names import ERRAND
from controller.targets.kubernetes.render.pod import inlined
from controller.targets.kubernetes.render.scope import Scope

LEFT_ALONE = 120
"""Seconds after which Kubernetes removes the Job of a controller that died over it."""


def errand(scope: Scope, workload: Workload) -> Manifest:
    """One object that needs no other: its environment is in it, and its pod may reach every store by a policy that is always there.
    It is tried once."""
    manifest = job(scope, workload)
    template = inlined(scope, workload, manifest["spec"]["template"])
    labels = {**template["metadata"]["labels"], ERRAND: "true"}
    return {
        **manifest,
        "spec": {
            **manifest["spec"],
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": LEFT_ALONE,
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }
