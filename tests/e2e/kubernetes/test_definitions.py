"""The API server accepts the definitions with every CEL rule, and judges declarations as the command line does."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.crd import definition
from controller.api.validate import KINDS
from tests.controller.api.test_mistakes import WRONG
from tests.testbed.kubernetes.cluster import AnyCluster, Cluster
from tests.testbed.kubernetes.judge import Judge

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


SEEN_LATER: list[dict[str, Any]] = [
    # The server reads null as "left out".
    {"services": None},
    # No expression knows the calendar, the time zones or, in all versions of Kubernetes, networks.
    {"backup": {"schedule": "0 25 * * *"}},
    {"backup": {"timeZone": "Asia/Beijing"}},
    {"backup": {"timeZone": "America"}},
    {"network": {"subnet": "10.77.0.1/16"}},
    {"network": {"subnet": "10.77.0.0/30"}},
]
"""What a declaration is told in its status, because the API server lets it pass."""
NO_JSON = "nan is not a number"
SEEN = [case for case in WRONG if case[0] not in SEEN_LATER and case[2] != NO_JSON]


def chat_system(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": "acme"},
        "spec": {"version": "1.2.0", **spec},
    }


@pytest.fixture(scope="module")
def judge(cluster: AnyCluster) -> Judge:
    return Judge(cluster.kubeconfig)


def test_a_node_is_ready(cluster: AnyCluster) -> None:
    cluster.kubectl.wait("--for=condition=Ready", "node", "--all")


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_is_kept_as_it_was_given(cluster: AnyCluster, kind: str) -> None:
    given = definition(kind)
    kept = cluster.kubectl.get("crd", given["metadata"]["name"])
    conditions = {each["type"]: each for each in kept["status"]["conditions"]}
    assert conditions["Established"]["status"] == "True"
    assert "NonStructuralSchema" not in conditions
    (version,) = kept["spec"]["versions"]
    assert version["schema"] == given["spec"]["versions"][0]["schema"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_accepted(judge: Judge, example: Path) -> None:
    for document in yaml.safe_load_all(example.read_text(encoding="utf-8")):
        assert judge.refusal(document) is None


@pytest.mark.parametrize(("spec", "path"), [case[:2] for case in SEEN], ids=[f"{case[1]}: {case[2]}" for case in SEEN])
def test_a_mistake_is_refused_at_the_same_place(judge: Judge, spec: dict[str, Any], path: str) -> None:
    refusal = judge.refusal(chat_system(spec))
    assert refusal is not None
    assert path.partition('["')[0] in refusal


@pytest.mark.parametrize("spec", SEEN_LATER, ids=str)
def test_what_only_the_controller_sees_is_no_more_than_is_said_here(judge: Judge, spec: dict[str, Any]) -> None:
    assert judge.refusal(chat_system(spec)) is None


def test_a_number_that_json_cannot_say_does_not_reach_the_server(judge: Judge) -> None:
    assert "json parse error" in str(judge.refusal(chat_system({"logging": {"maxSize": float("nan")}})))


def test_a_kept_declaration_may_not_shrink_a_volume(cluster: AnyCluster, namespace: str) -> None:
    storage = {"stores": {"mysql": {"managed": {"storage": "20Gi"}}}}
    cluster.kubectl.apply(chat_system(storage), namespace=namespace)
    storage["stores"]["mysql"]["managed"]["storage"] = "10Gi"
    with pytest.raises(AssertionError, match="a volume cannot shrink: keep its size or raise it"):
        cluster.kubectl.apply(chat_system(storage), namespace=namespace)


@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_a_store_that_was_left_out_can_be_given_to_someone_else_later(api: Cluster, way: tuple[str, ...]) -> None:
    """The API server keeps no choice of its own beside the one that a person makes."""
    namespace = f"test-{uuid.uuid4().hex[:10]}"
    api.kubectl("create", "namespace", namespace)
    s3 = {"bucket": "acme-chat", "secretName": "s3-credentials"}
    mysql = {"endpoints": ["mysql.acme.internal:3306"]}
    for spec in ({}, {"stores": {"files": {"s3": s3}, "mysql": {"external": mysql}}}):
        document = json.dumps(chat_system(spec))
        api.kubectl("--namespace", namespace, "apply", *way, "--filename=-", stdin=document)
    stores = api.kubectl.get("--namespace", namespace, "chat", "acme")["spec"]["stores"]
    assert set(stores["files"]) == {"s3"}
    assert set(stores["mysql"]) == {"external"}
    api.kubectl("delete", "namespace", namespace, "--wait=false")


def test_the_replicas_of_the_gateway_are_scaled_as_those_of_a_deployment(cluster: AnyCluster, namespace: str) -> None:
    cluster.kubectl.apply(chat_system({}), namespace=namespace)
    cluster.kubectl("--namespace", namespace, "scale", "chat/acme", "--replicas=5")
    kept = cluster.kubectl.get("--namespace", namespace, "chat", "acme")
    assert kept["spec"]["services"]["gateway"]["replicas"] == 5
