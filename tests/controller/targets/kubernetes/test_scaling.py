"""Replicas that an autoscaler chooses."""

from __future__ import annotations

import pytest

from controller.api.validate import parse_system
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.scaling import with_replicas
from tests.testbed.manifests import declaration, found, rendered

SERVICES = {
    "gateway": {
        "replicas": 4,
        "autoscaling": {"min": 3, "max": 6},
        "resources": {"requests": {"cpu": "1"}},
    }
}
DOCUMENT = declaration(services=SERVICES)


def sent(now: int | None) -> int:
    manifest = found(rendered(DOCUMENT), "Deployment", "acme-gateway")
    live = None if now is None else {"kind": "Deployment", "spec": {"replicas": now}}
    replicas: int = with_replicas(manifest, live, blueprint_of(parse_system(DOCUMENT)).workload("gateway"))["spec"][
        "replicas"
    ]
    return replicas


def test_the_number_is_no_part_of_what_is_compared() -> None:
    assert "replicas" not in found(rendered(DOCUMENT), "Deployment", "acme-gateway")["spec"]


@pytest.mark.parametrize(("now", "replicas"), [(None, 4), (5, 5), (1, 3), (9, 6), (0, 4)])
def test_what_was_chosen_is_kept_within_the_bounds(now: int | None, replicas: int) -> None:
    assert sent(now) == replicas


def test_without_an_autoscaler_the_declaration_says_it() -> None:
    manifest = found(rendered(declaration()), "Deployment", "acme-user")
    assert with_replicas(manifest, {"kind": "Deployment", "spec": {"replicas": 9}}, None) == manifest
    assert manifest["spec"]["replicas"] == 2
