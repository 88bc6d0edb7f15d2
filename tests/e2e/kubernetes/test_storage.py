"""Storage of the test bed's cluster does what tests of stores rely on."""

from __future__ import annotations

import pytest

from tests.testbed.kubernetes.cluster import Cluster
from tests.testbed.kubernetes.storage import CLASS
from tests.testbed.process import wait_for

CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def claimed(own_cluster: Cluster) -> Cluster:
    own_cluster.kubectl.apply(CLAIM)
    own_cluster.kubectl.wait("--for=jsonpath={.status.phase}=Bound", "pvc/data")
    return own_cluster


def test_a_claim_gets_a_volume_that_grows_and_goes_with_it(claimed: Cluster) -> None:
    kubectl = claimed.kubectl
    (volume,) = kubectl.get("pv")["items"]
    assert volume["spec"]["storageClassName"] == CLASS["metadata"]["name"]
    folder = claimed.slot.directory / "volumes" / volume["metadata"]["name"]
    assert folder.is_dir()
    kubectl("patch", "pvc", "data", "--patch", '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}')
    kubectl.wait("--for=jsonpath={.status.capacity.storage}=2Gi", "pvc/data")
    kubectl("delete", "pvc", "data")
    wait_for(lambda: not kubectl.get("pv")["items"], 60.0, "the volume is removed", pause=0.2)
    assert not folder.exists()
