"""The number of replicas where an autoscaler chooses it: no part of what is compared, and yet a part of what is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.kinds import DEPLOYMENT, Manifest, Object, kind_of


def with_replicas(manifest: Manifest, live: Object | None, workload: Workload | None) -> Mapping[str, Any]:
    """The manifest with the number that there is now, or at first the declared one, within the autoscaler's bounds. Left out, the API server
    would set it to 1 as long as, or as soon as, nobody else has written it: at the start, and when autoscaling is turned on
    (https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership)."""
    scaling = workload.scaling if workload else None
    if workload is None or scaling is None or kind_of(manifest) != DEPLOYMENT or "replicas" in manifest["spec"]:
        return manifest
    chosen = live["spec"].get("replicas", 0) if live else 0
    replicas = min(max(chosen or workload.replicas, scaling.minimum), scaling.maximum)
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}
