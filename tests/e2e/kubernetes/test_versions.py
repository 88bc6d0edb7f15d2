"""The way to a next version of the API, on a real API server: served beside the first, stored, alone, and back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from controller.api.crd import definition
from tests.testbed.kubernetes.cluster import Cluster
from tests.testbed.kubernetes.kubectl import Kubectl
from tests.testbed.process import wait_for

CRD = "chatsystems.chatsystem.dev"
OLD, NEW = "v1alpha1", "v1beta1"
SPEC = {"version": "1.2.0", "services": {"gateway": {"replicas": 3}}}


class Way:
    """One declaration, made in the first version, and the definition as it is at each step."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.kubectl, self.namespace = kubectl, namespace

    def define(self, served: tuple[str, ...], stored: str) -> None:
        """Raises AssertionError where the API server refuses."""
        made = definition("ChatSystem")
        (first,) = made["spec"]["versions"]
        made["spec"]["versions"] = [
            {**first, "name": name, "storage": name == stored, "served": name in served} for name in served
        ]
        stdin = json.dumps(made)
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=kubectl", "-f", "-", stdin=stdin)
        wait_for(lambda: all(self._answers(name) for name in served), 60.0, f"{served} are served", pause=0.3)

    def read(self, version: str) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.get(
            "--namespace", self.namespace, f"chatsystems.{version}.chatsystem.dev", "acme"
        )
        return found

    def write_all(self) -> None:
        every = self.kubectl("get", "chatsystems", "--all-namespaces", "--output", "json")
        self.kubectl("replace", "--filename", "-", stdin=every)

    def stored(self) -> list[str]:
        found: list[str] = self.kubectl.get("crd", CRD)["status"]["storedVersions"]
        return found

    def settle(self, version: str) -> None:
        """Says that no object is kept in another version."""
        patch = json.dumps({"status": {"storedVersions": [version]}})
        self.kubectl("patch", "crd", CRD, "--subresource=status", "--type=merge", "--patch", patch)

    def _answers(self, version: str) -> bool:
        return self.kubectl.ask("get", "--raw", f"/apis/chatsystem.dev/{version}/chatsystems").code == 0


@pytest.fixture
def way(own_api: Cluster) -> Iterator[Way]:
    namespace = f"test-{uuid.uuid4().hex[:10]}"
    kubectl = own_api.kubectl
    kubectl("create", "namespace", namespace)
    one = Way(kubectl, namespace)
    kubectl.apply(
        {"apiVersion": f"chatsystem.dev/{OLD}", "kind": "ChatSystem", "metadata": {"name": "acme"}, "spec": SPEC},
        namespace=namespace,
    )
    yield one
    one.define((OLD, NEW), OLD)
    one.write_all()
    one.settle(OLD)
    one.define((OLD,), OLD)
    kubectl("delete", "namespace", namespace, "--wait=false")


def test_a_declaration_goes_over_to_the_next_version_unchanged(way: Way) -> None:
    before = way.read(OLD)
    way.define((OLD, NEW), OLD)
    assert way.read(NEW)["spec"] == before["spec"]

    way.define((OLD, NEW), NEW)
    assert way.stored() == [OLD, NEW]
    with pytest.raises(AssertionError, match="storedVersions"):
        way.define((NEW,), NEW)

    way.write_all()
    way.settle(NEW)
    way.define((NEW,), NEW)
    after = way.read(NEW)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
