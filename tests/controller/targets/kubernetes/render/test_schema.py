"""Everything that is rendered is what Kubernetes' own description of its objects allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from controller.targets.kubernetes.render.surroundings import Surroundings
from tests.testbed.manifests import SYSTEMS, checked, declaration, rendered

FULL = Surroundings("chat", secrets={"mysql": "acme-mysql-3f2a"}, owner_uid="0-1", monitoring=True)
BUILT_IN = {
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
    "StatefulSet",
}


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_every_example_follows_the_schema(path: Path) -> None:
    manifests = rendered(yaml.safe_load(path.read_text()), FULL).manifests
    assert {item["kind"] for item in manifests} <= BUILT_IN | {"ServiceMonitor"}
    for manifest in manifests:
        if manifest["kind"] in BUILT_IN:
            assert checked(manifest) == manifest


@pytest.mark.parametrize("wrong", [{"replica": 1}, {"replicas": "1"}, {"selector": "all"}])
def test_the_check_notices_what_is_wrong(wrong: dict[str, object]) -> None:
    (deployment, *_) = (item for item in rendered(declaration()).manifests if item["kind"] == "Deployment")
    checked(deployment)
    with pytest.raises(ValueError, match="V1Deployment"):
        checked(deployment | {"spec": deployment["spec"] | wrong})
