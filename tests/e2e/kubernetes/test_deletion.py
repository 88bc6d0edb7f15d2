"""Deletion by each policy, also of systems that are not valid, are paused, or whose controller is away."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.testbed.kubernetes.controllers import PATIENCE
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(600)

OWNED = ("deployments", "statefulsets", "jobs", "services", "configmaps", "networkpolicies", "controllerrevisions")


def delete(scene: Scene) -> None:
    scene.system.do("delete", "chatsystem", "acme", "--wait=false")


def until_nothing_runs(scene: Scene) -> None:
    def nothing() -> bool:
        return not any(scene.system.names(kind) for kind in OWNED)

    wait_for(nothing, PATIENCE, "nothing of it is left but data", pause=0.5)


def test_retain_keeps_data_and_secrets_and_a_new_system_finds_them(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    claims, secrets = scene.system.names("pvc"), scene.system.names("secrets")
    assert claims
    assert secrets
    delete(scene)
    scene.until_gone()
    until_nothing_runs(scene)
    assert (scene.system.names("pvc"), scene.system.names("secrets")) == (claims, secrets)
    scene.system.declare()
    scene.system.until("Ready", "True")
    assert (scene.system.names("pvc"), scene.system.names("secrets")) == (claims, secrets)


def test_delete_removes_data_too_the_gateway_first(scene: Scene) -> None:
    scene.controller()
    scene.system.declare(deletionPolicy="Delete")
    scene.system.until("Ready", "True")
    before = len(scene.proxy.requests)
    delete(scene)
    scene.until_gone()
    until_nothing_runs(scene)
    # A claim is gone when what protects it has seen its last pod go.
    wait_for(
        lambda: not scene.system.names("pvc") + scene.system.names("secrets"), PATIENCE, "the data goes", pause=0.5
    )
    gone = [request.path.rpartition("/")[2] for request in scene.proxy.requests[before:] if request.method == "DELETE"]
    order = [gone.index(name) for name in ("acme-gateway", "acme-user", "acme-mysql", "acme-data-mysql")]
    assert order == sorted(order)


def test_backup_then_delete_removes_nothing_while_nothing_takes_backups(scene: Scene) -> None:
    scene.controller()
    scene.system.declare(deletionPolicy="BackupThenDelete")
    scene.system.until("Ready", "True")
    delete(scene)
    scene.system.until("Stalled", "True", "BackupUnavailable")
    assert "acme-mysql" in scene.system.names("statefulsets")
    scene.system.do("patch", "chatsystem", "acme", "--type=merge", "--patch", '{"spec": {"deletionPolicy": "Retain"}}')
    scene.until_gone()
    until_nothing_runs(scene)
    assert scene.system.names("pvc")


def test_without_a_controller_retain_is_collected_and_delete_waits_for_it(scene: Scene) -> None:
    controller = scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    controller.stop()
    delete(scene)
    scene.until_gone()
    until_nothing_runs(scene)
    assert scene.system.names("pvc")

    controller.start()
    scene.system.declare(deletionPolicy="Delete")
    scene.system.until("Ready", "True")
    controller.stop()
    delete(scene)
    assert scene.system.exists("chatsystem", "acme")
    controller.start()
    scene.until_gone()
    wait_for(lambda: not scene.system.names("pvc"), PATIENCE, "the data goes", pause=0.5)


def test_a_policy_that_was_changed_back_while_the_controller_was_away_keeps_the_data(scene: Scene) -> None:
    controller = scene.controller()
    scene.system.declare(deletionPolicy="Delete")
    scene.system.until("Ready", "True")
    controller.stop()
    scene.system.declare()
    delete(scene)
    controller.start()
    scene.until_gone()
    until_nothing_runs(scene)
    assert scene.system.names("pvc")


def make_invalid(scene: Scene) -> None:
    """What the API server lets pass, as it cannot know it."""
    patch = {"spec": {"backup": {"timeZone": "Asia/Beijing"}}}
    scene.system.do("patch", "chatsystem", "acme", "--type=merge", "--patch", json.dumps(patch))
    scene.system.until("Stalled", "True", "InvalidSpec")


def pause(scene: Scene) -> None:
    scene.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused=true")
    scene.system.until("Reconciling", "False", "Paused")


@pytest.mark.parametrize("state", [make_invalid, pause])
@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_system_that_is_not_valid_or_is_paused_can_be_deleted(
    scene: Scene, state: Callable[[Scene], None], policy: str
) -> None:
    scene.controller()
    scene.system.declare(deletionPolicy=policy)
    scene.system.until("Ready", "True")
    state(scene)
    delete(scene)
    scene.until_gone()
    until_nothing_runs(scene)
    if policy == "Retain":
        assert scene.system.names("pvc")
    else:
        wait_for(lambda: not scene.system.names("pvc"), PATIENCE, "the data goes", pause=0.5)


def test_a_finalizer_of_someone_else_stays_theirs(scene: Scene) -> None:
    scene.controller()
    scene.system.declare(deletionPolicy="Delete")
    scene.system.until("Ready", "True")
    add = [{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/theirs"}]
    scene.system.do("patch", "chatsystem", "acme", "--type=json", "--patch", json.dumps(add))
    delete(scene)

    def ours_is_off() -> bool:
        return scene.system.look()["metadata"]["finalizers"] == ["example.com/theirs"]

    wait_for(ours_is_off, PATIENCE, "only their finalizer is left", pause=0.3)
    assert scene.system.names("deployments") == scene.system.names("statefulsets") == []
    assert scene.quiet(3.0) == []
    remove = [{"op": "remove", "path": "/metadata/finalizers"}]
    scene.system.do("patch", "chatsystem", "acme", "--type=json", "--patch", json.dumps(remove))
    scene.until_gone()
