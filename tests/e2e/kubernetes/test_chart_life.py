"""The chart's life on a cluster: two candidates, an upgrade, an uninstallation, and what runs meanwhile.

The controllers are real pods of the real image. Pods of chat systems are hollow: the node is tainted, and only the controllers
tolerate it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.crd import UNSEEN
from tests.testbed.kubernetes.cluster import Cluster
from tests.testbed.kubernetes.controllers import Declared
from tests.testbed.kubernetes.hollow import HollowNode
from tests.testbed.kubernetes.raw import Raw
from tests.testbed.kubernetes.release import PATIENCE, Release, copy_of_chart
from tests.testbed.kubernetes.release import release as made_release
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(900, func_only=True)

TAINT = "chatsystem.dev/testbed"
TOLERATED = {"tolerations": [{"key": TAINT, "operator": "Exists"}]}
ONES = ("deployments", "statefulsets", "services", "configmaps", "persistentvolumeclaims", "secrets", "networkpolicies")
DEFINITION = "chatsystems.chatsystem.dev"


class Stage:
    """Three namespaces with a system of the same name each, and the release that drives them."""

    def __init__(self, cluster: Cluster, release: Release, namespaces: tuple[str, str, str]) -> None:
        self.cluster, self.kubectl, self.release, self.namespaces = cluster, cluster.kubectl, release, namespaces
        self.systems = [Declared(cluster.kubectl, Raw(cluster.kubeconfig), namespace) for namespace in namespaces]

    def identities(self, system: Declared) -> dict[str, str]:
        """Each object of a system and each of its pods, with the uid that tells whether it is still the same."""
        found = system.get(",".join((*ONES, "pods")), "--selector", f"app.kubernetes.io/instance={system.name}")
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in found["items"]}

    def generations(self, system: Declared) -> dict[str, int]:
        """Of what has pods: it counts every change of a spec."""
        found = system.get("deployments,statefulsets", "--selector", f"app.kubernetes.io/instance={system.name}")
        return {one["metadata"]["name"]: one["metadata"]["generation"] for one in found["items"]}

    def changed(self, system: Declared, identities: dict[str, str], generations: dict[str, int]) -> set[str]:
        """What is not as it was, but for the part that `repairs` took away."""
        now, counted = self.identities(system), self.generations(system)
        names = {name for name, uid in identities.items() if now.get(name) != uid}
        names |= {name for name, number in generations.items() if counted.get(name) != number}
        return {name for name in names if f"{system.name}-user" not in name}

    def repairs(self, system: Declared) -> None:
        """Something goes missing; returns when it is there again."""
        system.do("delete", "deployment", f"{system.name}-user")
        wait_for(
            lambda: system.exists("deployment", f"{system.name}-user"), PATIENCE, "what was deleted is made", pause=0.5
        )
        system.until("Ready", "True")


@pytest.fixture(scope="module")
def stage(own_cluster: Cluster) -> Iterator[Stage]:
    """The chart installed for all namespaces, and one system that is ready."""
    mark = uuid.uuid4().hex[:6]
    namespaces = (f"a-{mark}", f"b-{mark}", f"c-{mark}")
    kubectl = own_cluster.kubectl
    for namespace in namespaces:
        kubectl("create", "namespace", namespace)
        kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    kubectl("taint", "node", "--all", f"{TAINT}=:NoSchedule")
    node = HollowNode(own_cluster.kubeconfig, namespaces)
    node.start()
    try:
        with made_release(own_cluster, f"controller-{mark}") as release:
            release.install(**TOLERATED)
            yield Stage(own_cluster, release, namespaces)
    finally:
        node.stop()
        kubectl("taint", "node", "--all", f"{TAINT}-")
        for namespace in namespaces:
            kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def first(stage: Stage) -> Declared:
    """A system that is ready under the chart's rights for all namespaces."""
    system = stage.systems[0]
    if not system.look():
        system.declare()
    system.until("Ready", "True")
    return system


def test_one_leads_and_the_other_stands_by(stage: Stage) -> None:
    leader = stage.release.until_led()
    pods = stage.release.pods()
    assert len(pods) == 2
    assert leader in pods
    assert [stage.release.answers(pod, "/readyz") for pod in pods] == ["ok", "ok"]
    assert [stage.release.answers(pod, "/healthz") for pod in pods] == ["ok", "ok"]


def test_a_system_gets_ready_with_the_rights_of_the_chart(stage: Stage, first: Declared) -> None:
    assert first.events("Converged")
    assert "forbidden" not in stage.release.logs().lower()


def test_the_other_goes_on_when_the_leader_is_killed(stage: Stage, first: Declared) -> None:
    before = stage.identities(first)
    killed = stage.release.until_led()
    stage.kubectl("--namespace", stage.release.namespace, "delete", "pod", killed, "--grace-period=0", "--force")
    stage.release.until_led(without=killed)
    assert stage.identities(first) == before
    stage.repairs(first)


def test_other_controllers_restart_nothing(stage: Stage, first: Declared) -> None:
    before, generations = stage.identities(first), stage.generations(first)
    older = stage.release.pods()
    stage.release.install(replicas=3, podAnnotations={"example.com/rollout": "2"})
    wait_for(lambda: not set(older) & set(stage.release.pods()), PATIENCE, "the older ones are gone", pause=0.5)
    stage.release.until_led()
    assert len(stage.release.pods()) == 3
    stage.repairs(first)
    assert stage.changed(first, before, generations) == set()


def test_the_definitions_are_upgraded_with_the_chart(stage: Stage, first: Declared, tmp_path: Path) -> None:
    chart = copy_of_chart(tmp_path)
    file = chart / "definitions" / "chatsystems.yaml"
    definition = yaml.safe_load(file.read_text())
    spec = _spec_of(definition)
    spec["properties"]["motto"] = {"type": "string", "description": "A field of the next version."}
    file.write_text(yaml.safe_dump(definition))
    stage.release.install(chart)
    assert "motto" in _spec_of(stage.kubectl.get("crd", DEFINITION))["properties"]
    stage.repairs(first)
    stage.release.install()
    assert "motto" not in _spec_of(stage.kubectl.get("crd", DEFINITION))["properties"]
    first.until("Ready", "True")


def test_what_runs_stays_when_the_chart_is_uninstalled_and_is_adopted_again(stage: Stage, first: Declared) -> None:
    before, generations, uid = stage.identities(first), stage.generations(first), first.look()["metadata"]["uid"]
    stage.release.uninstall()
    assert stage.kubectl.exists("crd", DEFINITION)
    assert first.look()["metadata"]["uid"] == uid
    assert stage.identities(first) == before
    first.do("delete", "deployment", f"{first.name}-user")
    stage.release.install(replicas=2)
    wait_for(lambda: first.exists("deployment", f"{first.name}-user"), PATIENCE, "it is repaired again", pause=0.5)
    first.until("Ready", "True")
    assert stage.changed(first, before, generations) == set()


def test_with_roles_only_these_namespaces_are_driven(stage: Stage, first: Declared) -> None:
    _, second, third = stage.systems
    stage.release.install(namespaces=list(stage.namespaces[:2]))
    stage.release.until_led()
    assert not _cluster_wide(stage)
    third.declare()
    second.declare()
    second.until("Ready", "True")
    stage.repairs(first)
    assert third.status()["observedGeneration"] == UNSEEN["observedGeneration"]
    assert not third.all("deployments")
    assert "forbidden" not in stage.release.logs().lower()


def test_systems_of_one_name_in_two_namespaces_share_nothing(stage: Stage) -> None:
    one, other, _ = stage.systems
    for system in (one, other):
        system.until("Ready", "True")
    for kind in ("secrets", "persistentvolumeclaims"):
        ours, theirs = one.all(kind), other.all(kind)
        assert ours
        assert {each["metadata"]["uid"] for each in ours}.isdisjoint(each["metadata"]["uid"] for each in theirs)
    assert _generated(one).isdisjoint(_generated(other))
    for system, stranger in ((one, other), (other, one)):
        assert f"{stranger.namespace}.svc" not in json.dumps(system.all("deployments,statefulsets,configmaps"))
    before = stage.identities(other)
    one.do("delete", "chatsystem", one.name)
    wait_for(lambda: not one.all("pods"), PATIENCE, "one is gone", pause=0.5)
    assert stage.identities(other) == before


def test_deletion_leaves_what_the_policy_keeps(stage: Stage) -> None:
    kept, removed, _ = stage.systems
    if not removed.look():
        removed.declare()
    removed.until("Ready", "True")
    removed.do("patch", "chatsystem", removed.name, "--type=merge", "--patch", '{"spec": {"deletionPolicy": "Delete"}}')
    removed.until("Ready", "True")
    removed.do("delete", "chatsystem", removed.name)
    wait_for(lambda: not _left(removed), PATIENCE, "nothing is left", pause=0.5)
    # The one before it was deleted with Retain.
    assert not kept.look()
    assert {each.partition("/")[0] for each in _left(kept)} == {"PersistentVolumeClaim", "Secret"}


def _left(system: Declared) -> list[str]:
    kinds = ",".join(
        (*ONES, "pods", "jobs", "ingresses", "poddisruptionbudgets", "controllerrevisions", "serviceaccounts")
    )
    found = system.get(kinds, "--selector", f"app.kubernetes.io/instance={system.name}")["items"]
    return [f"{one['kind']}/{one['metadata']['name']}" for one in found]


def _cluster_wide(stage: Stage) -> list[str]:
    """What the release may do beyond namespaces."""
    found = stage.kubectl.get("clusterroles,clusterrolebindings", "--selector", "app.kubernetes.io/instance=demo")
    return [one["metadata"]["name"] for one in found["items"]]


def _spec_of(definition: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def _generated(system: Declared) -> set[str]:
    """Passwords and keys of a system."""
    return {value for one in system.all("secrets") for key, value in one["data"].items() if key != "username"}
