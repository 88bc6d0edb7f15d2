"""Objects as an API server gives them, for tests of what is decided on them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from controller.targets.kubernetes.inventory import stamped
from controller.targets.kubernetes.render import names
from controller.targets.kubernetes.render.manifest import Rendering

NOW = 1_800_000_000.0
LONG_AGO = "2020-01-01T00:00:00Z"


def live(manifest: Mapping[str, Any], group: str, order: int = 0, **status: Any) -> dict[str, Any]:
    """The manifest after it was applied, with a status."""
    sent = copy.deepcopy(stamped(manifest, group, order))
    metadata = {
        **sent["metadata"],
        "uid": f"uid-{manifest['kind']}-{sent['metadata']['name']}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": LONG_AGO,
    }
    return {**sent, "metadata": metadata, "status": status}


def applied(rendering: Rendering) -> list[dict[str, Any]]:
    """A cluster in which all of it was applied and is well; jobs have not run."""
    return [
        live(manifest, group.name, order, **fine(manifest))
        for order, group in enumerate(rendering.groups)
        for manifest in group.manifests
        if manifest["kind"] != "Job"
    ]


def fine(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The status of an object that is well."""
    count = manifest.get("spec", {}).get("replicas", 1)
    common = {"observedGeneration": 1, "replicas": count, "updatedReplicas": count, "availableReplicas": count}
    match manifest["kind"]:
        case "Deployment":
            return common
        case "StatefulSet":
            return {**common, "currentRevision": "a", "updateRevision": "a"}
        case "PersistentVolumeClaim":
            return {"phase": "Bound"}
    return {}


def pod(workload: str, system: str = "acme", **status: Any) -> dict[str, Any]:
    """A pod of a workload; ready unless its status says otherwise."""
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{system}-{workload}-x",
            "namespace": "chat",
            "labels": names.selector(system, workload),
            "creationTimestamp": LONG_AGO,
            "uid": f"uid-{workload}",
            "resourceVersion": "1",
        },
        "spec": {"containers": [{"name": workload, "image": "chatsystem:1.2.0"}]},
        "status": status or ready,
    }


def container(state: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": "chatsystem:1.2.0", "state": state, "ready": False, "restartCount": 0, **more}
