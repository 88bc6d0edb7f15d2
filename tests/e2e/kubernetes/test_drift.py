"""Whatever someone changes or removes of a system is put back, and what is not ours is never touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.kubernetes.cluster import Cluster
from tests.testbed.kubernetes.controllers import PATIENCE
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.kubernetes.scene import scene as made_scene
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def running(api: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A system that has converged, for tests that leave it so."""
    folder: Path = tmp_path_factory.mktemp("drift")
    with made_scene(api, folder) as one:
        one.controller()
        one.system.declare()
        one.system.until("Ready", "True")
        yield one


def patch(scene: Scene, what: str, type_: str, body: Any) -> None:
    scene.system.do("patch", what, f"--type={type_}", "--patch", json.dumps(body))


OPEN = [{"op": "add", "path": "/spec/ingress/-", "value": {}}]
"""An ingress rule that lets everybody in."""
IMAGE = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "evil:1"}]
ROOT = [{"op": "remove", "path": "/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem"}]


@pytest.mark.parametrize(
    ("what", "type_", "body", "is_back"),
    [
        ("deployment/acme-user", "merge", {"spec": {"replicas": 0}}, lambda item: item["spec"]["replicas"] == 1),
        (
            "deployment/acme-user",
            "json",
            IMAGE,
            lambda item: item["spec"]["template"]["spec"]["containers"][0]["image"] == "chatsystem:1.2.0",
        ),
        (
            "deployment/acme-user",
            "json",
            ROOT,
            lambda item: item["spec"]["template"]["spec"]["containers"][0]["securityContext"].get(
                "readOnlyRootFilesystem"
            ),
        ),
        ("statefulset/acme-mysql", "merge", {"spec": {"replicas": 3}}, lambda item: item["spec"]["replicas"] == 1),
        (
            "service/acme-user",
            "merge",
            {"spec": {"selector": {"app": "other"}}},
            lambda item: item["spec"]["selector"]["app.kubernetes.io/component"] == "user",
        ),
        ("networkpolicy/acme-mysql", "json", OPEN, lambda item: {} not in item["spec"]["ingress"]),
        (
            "service/acme-user",
            "merge",
            {"metadata": {"ownerReferences": None}},
            lambda item: item["metadata"].get("ownerReferences", [{}])[0].get("kind") == "ChatSystem",
        ),
        (
            "deployment/acme-user",
            "merge",
            {"metadata": {"annotations": {"chatsystem.dev/applied": None}}},
            lambda item: item["metadata"]["annotations"].get("chatsystem.dev/applied"),
        ),
    ],
    ids=["replicas", "image", "security", "more-replicas", "selector", "policy", "owner", "mark"],
)
def test_a_changed_field_is_put_back(
    running: Scene, what: str, type_: str, body: Any, is_back: Callable[[Any], bool]
) -> None:
    patch(running, what, type_, body)
    wait_for(lambda: is_back(running.system.get(what)), PATIENCE, f"{what} is as declared", pause=0.3)
    running.system.until("Ready", "True")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("deployment", "acme-gateway"),
        ("statefulset", "acme-redis"),
        ("service", "acme-user"),
        ("service", "acme-edge"),
        ("networkpolicy", "acme-default-deny"),
        ("serviceaccount", "acme-workload"),
        ("configmap", "acme-user-"),
    ],
)
def test_what_was_removed_is_made_again(running: Scene, kind: str, name: str) -> None:
    name = next(item for item in running.system.names(kind) if item.startswith(name))
    before = running.system.get(kind, name)["metadata"]["uid"]
    running.system.do("delete", kind, name, "--cascade=orphan")

    def made_again() -> bool:
        return running.system.exists(kind, name) and running.system.get(kind, name)["metadata"]["uid"] != before

    wait_for(made_again, PATIENCE, f"{kind} {name} is made again", pause=0.3)
    running.system.until("Ready", "True")


def test_what_others_add_is_no_drift(running: Scene) -> None:
    sidecar = {"spec": {"template": {"metadata": {"annotations": {"tool/injected": "yes"}}}}}
    patch(running, "deployment/acme-friend", "merge", sidecar)
    running.system.do("label", "service", "acme-user", "team=blue")
    running.system.until("Ready", "True")
    assert running.quiet(3.0) == []
    assert running.system.get("service", "acme-user")["metadata"]["labels"]["team"] == "blue"


def test_the_repair_says_what_was_changed(running: Scene) -> None:
    patch(running, "deployment/acme-store", "merge", {"spec": {"replicas": 2}})

    def told() -> bool:
        return any("spec.replicas" in event["note"] for event in running.system.events("Applied"))

    wait_for(told, PATIENCE, "an event names the field", pause=0.3)


def test_a_stateful_set_that_cannot_be_changed_back_is_replaced_under_its_running_pods(running: Scene) -> None:
    kept = running.system.get("statefulset", "acme-etcd")
    pods = {item["metadata"]["uid"] for item in running.system.all("pods")}
    running.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused=true")
    running.system.until("Reconciling", "False", "Paused")
    running.system.do("delete", "statefulset", "acme-etcd", "--cascade=orphan")
    metadata = {key: kept["metadata"][key] for key in ("name", "labels", "annotations")}
    changed = {**kept["spec"], "podManagementPolicy": "OrderedReady"}
    kept.pop("status")
    running.kubectl.apply({**kept, "metadata": metadata, "spec": changed}, namespace=running.namespace)
    running.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused-")

    def is_back() -> bool:
        if not running.system.exists("statefulset", "acme-etcd"):
            return False
        return running.system.get("statefulset", "acme-etcd")["spec"]["podManagementPolicy"] == "Parallel"

    wait_for(is_back, PATIENCE, "it is as declared", pause=0.3)
    running.system.until("Ready", "True")
    assert {item["metadata"]["uid"] for item in running.system.all("pods")} == pods


def test_a_volume_does_not_shrink(running: Scene) -> None:
    """The definition refuses it already; this is what holds where the volume was grown by hand."""
    claim = running.system.get("pvc", "acme-data-mysql")
    size = claim["spec"]["resources"]["requests"]["storage"]
    running.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused=true")
    running.system.until("Reconciling", "False", "Paused")
    running.system.do("delete", "pvc", "acme-data-mysql", "--wait=false")
    # Its protection waits for pods that no kubelet removes here.
    lift = '{"metadata": {"finalizers": null}}'
    running.kubectl.ask("-n", running.namespace, "patch", "pvc", "acme-data-mysql", "--type=merge", "--patch", lift)
    larger = {**claim["spec"], "resources": {"requests": {"storage": "999Gi"}}}
    metadata = {key: claim["metadata"][key] for key in ("name", "labels", "annotations")}
    running.kubectl.apply({**claim, "metadata": metadata, "spec": larger, "status": {}}, namespace=running.namespace)
    running.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused-")
    stalled = running.system.until("Stalled", "True", "Immutable")
    assert f"has 999Gi and is to have {size}" in stalled["message"]
    assert running.system.get("pvc", "acme-data-mysql")["spec"]["resources"]["requests"]["storage"] == "999Gi"
    running.system.do("delete", "pvc", "acme-data-mysql", "--wait=false")
    running.system.until("Ready", "True")


def test_an_object_of_someone_else_is_never_touched(scene: Scene) -> None:
    mine = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "acme-user"}}
    scene.kubectl.apply({**mine, "spec": {"ports": [{"port": 80}]}}, namespace=scene.namespace)
    before = scene.system.get("service", "acme-user")
    scene.controller()
    scene.system.declare()
    stalled = scene.system.until("Stalled", "True", "NameTaken")
    assert "Service acme-user" in stalled["message"]
    assert "rename" in stalled["message"]
    assert scene.system.get("service", "acme-user") == before
    scene.system.do("delete", "service", "acme-user")
    scene.system.until("Ready", "True")


def test_bystanders_in_the_namespace_stay(scene: Scene) -> None:
    """Also one that has our labels for another system, and one that we never made for this one."""
    labels = {
        "app.kubernetes.io/name": "chatsystem",
        "app.kubernetes.io/instance": "other",
        "app.kubernetes.io/managed-by": "chatsystem-controller",
    }
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"a": "b"}}
    other = {**plain, "metadata": {"name": "other-thing", "labels": labels}}
    scene.kubectl.apply(plain, other, namespace=scene.namespace)
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    scene.system.do("delete", "chatsystem", "acme")
    scene.until_gone()
    assert scene.system.exists("configmap", "mine")
    assert scene.system.exists("configmap", "other-thing")
