"""The chart of the controller: what it renders, and its life on a cluster with the real Helm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.targets.kubernetes.kinds import EVENT, LEASE, POD, RENDERED, REVISION, SECRET, SYSTEM
from tests.testbed.kubernetes.helm import CHART, Helm

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).with_name("golden")
WITHOUT_CRDS = {"crds": {"install": False}}
BY_NAMESPACE = {**WITHOUT_CRDS, "namespaces": ["team-a", "team-b"]}
MONITORED = {**WITHOUT_CRDS, "metrics": {"serviceMonitor": True, "prometheusRule": True, "dashboard": True}}


@pytest.fixture(scope="module")
def helm() -> Helm:
    return Helm()


def test_helm_finds_nothing_to_complain_about(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


@pytest.mark.parametrize(
    ("name", "values"),
    [("cluster-wide", WITHOUT_CRDS), ("by-namespace", BY_NAMESPACE), ("one-replica", {"replicas": 1, **WITHOUT_CRDS})],
)
def test_what_it_renders_is_what_was_agreed(helm: Helm, name: str, values: dict[str, Any]) -> None:
    """Write the files anew with CHATSYSTEM_UPDATE_GOLDEN=1, and look at the difference."""
    text = yaml.safe_dump_all(helm.template(values=values), sort_keys=False, width=120)
    file = GOLDEN / f"chart-{name}.yaml"
    if os.environ.get("CHATSYSTEM_UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text


def test_the_definitions_are_those_of_this_version_and_are_kept(helm: Helm) -> None:
    rendered = {one["metadata"]["name"]: one for one in helm.template() if one["kind"] == "CustomResourceDefinition"}
    declared = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    assert {name: one["spec"] for name, one in rendered.items()} == {
        one["metadata"]["name"]: one["spec"] for one in declared
    }
    assert all(one["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"} for one in rendered.values())


def test_alert_rules_and_board_come_with_it_where_they_are_wanted(helm: Helm) -> None:
    kinds = {one["kind"]: one for one in helm.template(values=MONITORED)}
    rules = yaml.safe_load((ROOT / "charts" / "monitoring" / "alerts.yaml").read_text())
    assert kinds["PrometheusRule"]["spec"] == rules
    board = kinds["ConfigMap"]["data"]["chatsystem.json"]
    assert board == (ROOT / "charts" / "monitoring" / "dashboard.json").read_text()
    assert "ServiceMonitor" not in {one["kind"] for one in helm.template(values=WITHOUT_CRDS)}


@pytest.mark.parametrize("values", [WITHOUT_CRDS, BY_NAMESPACE])
def test_the_rights_are_those_of_the_kinds_that_the_controller_deals_with(helm: Helm, values: dict[str, Any]) -> None:
    objects = helm.template(values=values)
    granted: dict[tuple[str, str], set[str]] = {}
    for one in objects:
        if one["kind"] in {"Role", "ClusterRole"} and not one["metadata"]["name"].endswith(("-edit", "-view")):
            for rule in one["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        granted.setdefault((group, resource), set()).update(rule["verbs"])
    keeps = {"get", "list", "watch", "create", "patch", "delete"}
    expected = {_place(kind): keeps for kind in (*RENDERED, SECRET, REVISION)}
    expected |= {
        _place(SYSTEM): {"get", "list", "watch", "patch"},
        ("chatsystem.dev", "chatsystems/status"): {"patch"},
        ("chatsystem.dev", "chatsystems/finalizers"): {"update"},
        _place(POD): {"get", "list", "watch"},
        ("", "pods/log"): {"get"},
        _place(EVENT): {"list", "create"},
        _place(LEASE): {"get", "create", "update"},
    }
    if "namespaces" not in values:
        expected |= {
            ("apiextensions.k8s.io", "customresourcedefinitions"): {"get", "list", "watch"},
            ("", "namespaces"): {"list", "watch"},
        }
    else:
        assert not [one for one in objects if one["kind"].startswith("Cluster")]
    assert granted == expected
    assert "*" not in str(granted)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"replicas": "two"}, "/replicas"),
        ({"namespaces": ["Team A"]}, "/namespaces/0"),
        ({"replica": 2}, "replica"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name"),
    ],
)
def test_a_mistake_in_the_values_is_named(helm: Helm, values: dict[str, Any], words: str) -> None:
    answer = helm.ask("template", "demo", str(CHART), "--kube-version", "1.34.0", values=values)
    assert answer.code != 0
    assert words in answer.error


def _place(kind: Any) -> tuple[str, str]:
    group, slash, _ = kind.api_version.partition("/")
    return (group if slash else "", kind.plural)
