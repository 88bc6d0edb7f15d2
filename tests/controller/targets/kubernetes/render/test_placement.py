"""Where pods may run."""

from __future__ import annotations

from typing import Any

import pytest

from controller.engine.ports import InvalidDeclaration
from controller.targets.kubernetes.render.placement import constraint, topology_key
from tests.testbed.manifests import declaration, found, rendered


def pod(**spec: Any) -> dict[str, Any]:
    """Of the file service."""
    made: dict[str, Any] = found(rendered(declaration(**spec)), "Deployment", "acme-file")["spec"]["template"]["spec"]
    return made


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("node.labels.edge == true", {"key": "edge", "operator": "In", "values": ["true"]}),
        ("node.labels.example.com/disk!=hdd", {"key": "example.com/disk", "operator": "NotIn", "values": ["hdd"]}),
        ("node.hostname == n1", {"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}),
        ("node.platform.arch == x86_64", {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}),
        ("node.role != manager", {"key": "node-role.kubernetes.io/control-plane", "operator": "DoesNotExist"}),
        ("node.role == manager", {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}),
        ("node.role == worker", {"key": "node-role.kubernetes.io/control-plane", "operator": "DoesNotExist"}),
    ],
)
def test_a_constraint_becomes_a_requirement(text: str, requirement: dict[str, Any]) -> None:
    assert constraint(text) == requirement


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("node.id == x1", "has no meaning on Kubernetes; write node.labels.NAME"),
        ("engine.labels.disk == ssd", "has no meaning on Kubernetes; write node.labels.NAME"),
        ("node.role == boss", "names no role; write node.role == manager"),
        ("node.labels. == x", "has no meaning"),
        ("node.labels.a/b/c == x", "cannot be a label"),
        ("node.labels.a == x/y", "a value that no label can have"),
    ],
)
def test_a_constraint_that_kubernetes_does_not_know_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        constraint(text)
    with pytest.raises(InvalidDeclaration, match=r"spec\.services\.file\.placement: the constraint"):
        pod(services={"file": {"placement": {"constraints": [text]}}})


def test_a_node_is_meant_by_its_name() -> None:
    (term,) = pod(services={"file": {"placement": {"node": "n1"}}})["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}


def test_replicas_are_spread_over_zones_and_nodes() -> None:
    made = found(rendered(declaration()), "Deployment", "acme-user")["spec"]["template"]["spec"]
    keys = [item["topologyKey"] for item in made["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    one = found(rendered(declaration(services={"user": {"replicas": 1}})), "Deployment", "acme-user")
    assert "topologySpreadConstraints" not in one["spec"]["template"]["spec"]


def test_a_preference_takes_the_place_of_the_zone() -> None:
    services = {"user": {"placement": {"preferences": ["spread=node.labels.rack"]}}}
    made = found(rendered(declaration(services=services)), "Deployment", "acme-user")["spec"]["template"]["spec"]
    keys = [item["topologyKey"] for item in made["topologySpreadConstraints"]]
    assert keys == ["rack", "kubernetes.io/hostname"]
    with pytest.raises(ValueError, match="has no meaning"):
        topology_key("zone")


def test_replicas_that_share_a_volume_of_one_node_are_together_on_it() -> None:
    together = pod()["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["topologyKey"] for term in together] == ["kubernetes.io/hostname"]
    assert together[0]["labelSelector"]["matchLabels"]["chatsystem.dev/volume-files"] == "true"
    assert "topologySpreadConstraints" not in pod()


@pytest.mark.parametrize(
    "spec",
    [
        {"stores": {"files": {"managed": {"accessMode": "ReadWriteMany"}}}},
        {"stores": {"files": {"s3": {"bucket": "abc", "secretName": "s"}}}},
        {"services": {"file": {"replicas": 1}}},
    ],
)
def test_replicas_that_need_not_be_together_are_not(spec: dict[str, Any]) -> None:
    assert "affinity" not in pod(**spec)


def test_a_shared_volume_is_claimed_as_such() -> None:
    for mode in ("ReadWriteOnce", "ReadWriteMany"):
        made = rendered(declaration(stores={"files": {"managed": {"accessMode": mode}}}))
        assert found(made, "PersistentVolumeClaim", "acme-data-files")["spec"]["accessModes"] == [mode]
