"""Clusters for the tests of the Kubernetes target: one for the whole run, or the one that CHATSYSTEM_TEST_KUBECONFIG names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.kubernetes.cluster import AnyCluster, Cluster
from tests.testbed.kubernetes.cluster import cluster as made_cluster
from tests.testbed.kubernetes.given import GivenCluster
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.kubernetes.scene import scene as made_scene
from tests.testbed.process import wait_for

CRDS = Path(__file__).parents[3] / "crds"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fixtures build clusters and images, which takes minutes the first time; only what follows is timed."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300, func_only=True))


@pytest.fixture(scope="session")
def cluster() -> Iterator[AnyCluster]:
    """With a node, and with our definitions. Tests share it and keep to namespaces of their own."""
    if given := GivenCluster.find():
        _define(given)
        yield given
        return
    with made_cluster() as one:
        _define(one)
        yield one


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[Cluster]:
    """With a node, and with our definitions; one whose programs tests may stop. Each leaves it as it found it."""
    with made_cluster() as one:
        _define(one)
        yield one


@pytest.fixture(scope="session")
def api() -> Iterator[Cluster]:
    """The Kubernetes API and its controllers without a node, with our definitions. Tests keep to namespaces of their own."""
    with made_cluster(nodeless=True) as one:
        _define(one)
        yield one


@pytest.fixture(scope="session")
def own_api() -> Iterator[Cluster]:
    """As `api`, for tests that stop its programs or remove our definitions. Each leaves it as it found it."""
    with made_cluster(nodeless=True) as one:
        _define(one)
        yield one


@pytest.fixture
def scene(api: Cluster, tmp_path: Path) -> Iterator[Scene]:
    """A namespace of that API with a hollow node and a proxy that makes faults; controllers are for the test to start."""
    with made_scene(api, tmp_path) as one:
        yield one


@pytest.fixture
def namespace(cluster: AnyCluster) -> Iterator[str]:
    """An empty one of the shared cluster, gone after the test."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _define(one: AnyCluster) -> None:
    one.kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(CRDS))

    def established() -> bool:
        # kubectl ends with an error where a definition has no condition yet.
        return one.kubectl.ask("wait", "--for=condition=Established", "crd", "--all", "--timeout=5s").code == 0

    wait_for(established, 120.0, "the definitions are known", pause=0.2)
