"""What is rendered, before a real API server: accepted as it is, and given back as it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.surroundings import Surroundings
from tests.testbed.kubernetes.cluster import AnyCluster
from tests.testbed.manifests import SYSTEMS, rendered

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


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_an_example_is_kept_exactly_as_it_was_rendered(cluster: AnyCluster, restricted: str, path: Path) -> None:
    manifests = rendered(yaml.safe_load(path.read_text()), Surroundings(restricted)).manifests
    first, second = applied(cluster, manifests), applied(cluster, manifests)
    for manifest, live in zip(manifests, second, strict=True):
        assert list(drift(manifest, live, manifest["kind"])) == []
    # The server counts changes of what is wanted; other writes are those of its own controllers.
    assert [item["metadata"].get("generation") for item in first] == [
        item["metadata"].get("generation") for item in second
    ]
