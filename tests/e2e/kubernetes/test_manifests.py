"""What is rendered, before a real API server: accepted as it is, and given back as it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.validate import parse_system
from controller.blueprint.workload import Kind
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.render.errand import errand
from controller.targets.kubernetes.render.manifest import Manifest, Rendering
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.surroundings import Surroundings
from tests.testbed.kubernetes.cluster import AnyCluster
from tests.testbed.manifests import SYSTEMS, declaration, rendered

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@pytest.fixture
def restricted(cluster: AnyCluster, namespace: str) -> str:
    """A namespace in which only pods of the restricted standard are allowed."""
    cluster.kubectl("label", "namespace", namespace, RESTRICTED)
    return namespace


def drift(desired: Any, live: Any, path: str = "") -> Iterator[str]:
    """Where what lives does not contain what is desired."""
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        for key, value in desired.items():
            if key not in live:
                yield f"{path}.{key}: missing"
            else:
                yield from drift(value, live[key], f"{path}.{key}")
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for number, (wanted, found) in enumerate(zip(desired, live, strict=True)):
            yield from drift(wanted, found, f"{path}[{number}]")
    elif desired != live:
        yield f"{path}: {live!r} instead of {desired!r}"


def applied(cluster: AnyCluster, manifests: Sequence[Manifest]) -> list[Any]:
    """What the server keeps of each, with unknown fields refused."""
    answer = cluster.kubectl(
        *("apply", "--server-side", "--validate=strict", "--field-manager=tests", "--output=json", "--filename=-"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}),
    )
    kept = json.loads(answer)
    return list(kept["items"]) if kept["kind"] == "List" else [kept]


CPU = {"requests": {"cpu": "0.25"}, "limits": {"cpu": 2, "memory": "1536Mi"}}
FEATURES: dict[str, dict[str, Any]] = {
    "ingress and external stores": {
        "exposure": {
            "type": "Ingress",
            "hostname": "chat.example.com",
            "ingressClassName": "nginx",
            "tls": {"secretName": "chat-tls"},
            "annotations": {"example.com/a": ""},
        },
        "stores": {
            "mysql": {"external": {"endpoints": ["[fd00::1]:3306", "10.0.0.5:3306"], "secretName": "db"}},
            "files": {"s3": {"bucket": "chat", "secretName": "keys.example.com"}},
        },
    },
    "node ports, suspended": {
        "exposure": {"type": "NodePort", "http": 30080},
        "suspend": True,
        "services": {"gateway": {"autoscaling": {"max": 5}, "resources": CPU}},
    },
    "low ports, autoscaling, placement, a shared volume, encryption": {
        "exposure": {"type": "ClusterIP", "http": 80, "websocket": 443},
        "services": {
            "gateway": {"autoscaling": {"max": 5}, "resources": CPU},
            "user": {
                "placement": {
                    "constraints": ["node.labels.edge == true", "node.role != manager"],
                    "preferences": ["node.labels.rack"],
                    "node": "n1",
                },
                "environment": {"EMPTY": "", "MONEY": "$(HOME) $5", "ME": "{instance} $(X)"},
            },
        },
        "stores": {"files": {"managed": {"accessMode": "ReadWriteMany", "storageClass": "shared"}}},
        "network": {"tls": {}},
        "release": {"observe": "20m", "timeout": "10m"},
    },
}


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_an_example_is_kept_exactly_as_it_was_rendered(cluster: AnyCluster, restricted: str, path: Path) -> None:
    kept_exactly(cluster, rendered(yaml.safe_load(path.read_text()), Surroundings(restricted)))


@pytest.mark.parametrize("spec", FEATURES.values(), ids=FEATURES)
def test_what_a_declaration_may_ask_for_is_kept_exactly_as_it_was_rendered(
    cluster: AnyCluster, restricted: str, spec: dict[str, Any]
) -> None:
    longest = "a" * 40
    kept_exactly(cluster, rendered(declaration(longest, **spec), Surroundings(restricted)))


def test_an_errand_is_accepted(cluster: AnyCluster, restricted: str) -> None:
    system = parse_system(declaration())
    blueprint = blueprint_of(system)
    user = blueprint.workload("user")
    assert user is not None
    told = {name: text for name, text in user.environment.items() if "{port:" not in text}
    run = replace(user, name="look", kind=Kind.JOB, arguments=("check-stores",), environment=told, ports=())
    whole = replace(blueprint, workloads=(*blueprint.workloads, run))
    manifest = errand(Scope(system, whole, Surroundings(restricted)), run)
    (live,) = applied(cluster, [manifest])
    assert list(drift(manifest, live, "Job")) == []


def kept_exactly(cluster: AnyCluster, rendering: Rendering) -> None:
    manifests = rendering.manifests
    first, second = applied(cluster, manifests), applied(cluster, manifests)
    for manifest, live in zip(manifests, second, strict=True):
        assert list(drift(manifest, live, manifest["kind"])) == []
    # The server counts changes of what is wanted; other writes are those of its own controllers.
    assert [item["metadata"].get("generation") for item in first] == [
        item["metadata"].get("generation") for item in second
    ]
