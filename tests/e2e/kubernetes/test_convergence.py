"""The controller on a real API server: it brings about what is declared, in order, and then is silent."""

from __future__ import annotations

import pytest

from tests.testbed.kubernetes.hollow import crashing, failed, out_of_memory, untouched, without_image
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(600)


def test_a_declaration_becomes_true_and_then_nothing_is_sent(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True", "Converged")
    scene.system.until("Released", "True", "Released")
    # Longer than a watch lives, and than the loop goes without looking.
    assert scene.quiet(65.0) == []


def test_stores_come_before_the_migration_and_services_after_what_they_call(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    order = [
        request.path.rpartition("/")[2]
        for request in scene.proxy.writes()
        if request.method == "PATCH"
        and any(kind in request.path for kind in ("/statefulsets/", "/deployments/", "/jobs/"))
    ]
    names = [name.removeprefix("acme-").partition("-")[0] for name in order]
    assert names.index("mysql") < names.index("migration")
    assert names.index("migration") < names.index("file") < names.index("user") < names.index("gateway")
    assert names[-1] == "gateway"


def test_the_status_is_kstatus_and_the_scale_is_the_gateways(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    assert scene.system.condition("Reconciling")["status"] == "False"
    assert scene.system.condition("Stalled")["status"] == "False"
    scene.kubectl.wait("--namespace", scene.namespace, "--for=condition=Ready", "chatsystem/acme")
    table = scene.system.do("get", "chatsystem", "acme").splitlines()
    assert table[0].split() == ["NAME", "VERSION", "READY", "REASON", "STATUS", "ADDRESS", "AGE"]
    assert table[1].split()[:5] == ["acme", "1.2.0", "True", "Converged", "Running"]
    scene.system.do("scale", "--replicas=3", "chatsystem/acme")
    wait_for(lambda: scene.system.status().get("gatewayReplicas") == 3, 120, "three gateways are counted", pause=0.3)
    scale = scene.system.scale()
    assert scale["status"]["replicas"] == 3
    gateways = scene.system.get("pods", "--selector", scale["status"]["selector"])["items"]
    assert len(gateways) == 3


def test_a_change_of_the_version_replaces_the_services_and_is_a_revision(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    stores = {item["metadata"]["name"]: item["metadata"]["generation"] for item in scene.system.all("statefulsets")}
    scene.system.declare(version="1.3.0")
    scene.system.until("Released", "True")
    scene.system.until("Ready", "True")
    images = {
        container["image"]
        for item in scene.system.all("deployments")
        for container in item["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"chatsystem:1.3.0"}
    assert {
        item["metadata"]["name"]: item["metadata"]["generation"] for item in scene.system.all("statefulsets")
    } == stores
    assert scene.system.status()["version"] == "1.3.0"
    revisions = scene.system.revisions()
    assert [item["metadata"]["annotations"]["chatsystem.dev/verdict"] for item in revisions] == ["Released", "Released"]
    assert revisions[1]["data"]["summary"] == "spec.version: 1.2.0 -> 1.3.0"


@pytest.mark.parametrize(
    ("outcome", "reason", "words"),
    [
        (without_image, "ImageUnavailable", "cannot be fetched"),
        (crashing("no space left on device"), "CrashLoop", "no space left on device"),
        (out_of_memory, "OutOfMemory", "reached its memory limit"),
        (untouched, "Unschedulable", "has no node"),
    ],
    ids=["image", "crash", "memory", "node"],
)
def test_what_keeps_pods_from_working_is_said_in_words(scene: Scene, outcome, reason: str, words: str) -> None:
    scene.node.outcomes["mysql"] = outcome
    scene.controller()
    scene.system.declare()
    stalled = scene.system.until("Stalled", "True", reason)
    assert words in stalled["message"]
    assert "mysql" in stalled["message"]
    assert scene.system.names("deployments") == []


def test_a_failed_migration_is_named_and_tried_again_under_a_new_name(scene: Scene) -> None:
    scene.node.outcomes["migration"] = failed("table users: disk full")
    scene.controller()
    scene.system.declare()
    stalled = scene.system.until("Stalled", "True", "JobFailed")
    assert "table users: disk full" in stalled["message"]
    assert scene.system.names("deployments") == []
    del scene.node.outcomes["migration"]
    scene.system.until("Ready", "True")
    assert len(scene.system.names("jobs")) == 1
    assert not scene.system.names("jobs")[0].endswith("-1")


def test_a_service_that_is_off_is_really_absent_and_goes_last(scene: Scene) -> None:
    scene.controller()
    scene.system.declare(services={"speech": {"replicas": 1}})
    scene.system.until("Ready", "True")
    assert "acme-speech" in scene.system.names("deployments")
    scene.system.declare()
    scene.system.until("Ready", "True")
    for kind in ("deployments", "services", "configmaps", "networkpolicies", "poddisruptionbudgets"):
        assert not [name for name in scene.system.names(kind) if "speech" in name], kind


def test_a_suspended_system_keeps_its_data_secrets_and_address(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    claims, secrets = scene.system.names("pvc"), scene.system.names("secrets")
    scene.system.declare(suspend=True)
    scene.system.until("Ready", "False", "Suspended")
    wait_for(lambda: scene.system.names("pods") == [], 120, "no pod is left", pause=0.3)
    assert scene.system.names("deployments") == scene.system.names("statefulsets") == []
    assert (scene.system.names("pvc"), scene.system.names("secrets")) == (claims, secrets)
    assert scene.system.exists("service", "acme-edge")
    scene.system.declare(suspend=False)
    scene.system.until("Ready", "True")
    assert scene.system.names("secrets") == secrets


def test_a_paused_system_is_left_alone(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    scene.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused=true")
    scene.system.until("Reconciling", "False", "Paused")
    scene.system.do("delete", "deployment", "acme-user")
    assert scene.quiet(3.0) == [] or not scene.system.exists("deployment", "acme-user")
    scene.system.do("annotate", "chatsystem", "acme", "chatsystem.dev/paused-")
    wait_for(lambda: scene.system.exists("deployment", "acme-user"), 120, "it is made again", pause=0.3)
