"""Laws of rendering, over any valid declaration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.validate import parse_system
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.render.build import render
from controller.targets.kubernetes.render.manifest import EDGE, FOUNDATION, Manifest, Rendering
from controller.targets.kubernetes.render.surroundings import Surroundings
from tests.testbed.declarations import systems
from tests.testbed.manifests import checked, pods, rendered

LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
MAY_BE_EMPTY = {"emptyDir", "namespaceSelector", "args", "data", "annotations"}
"""Fields where an empty map or text says something."""

surroundings = st.builds(
    Surroundings,
    namespace=st.just("chat"),
    owner_uid=st.sampled_from(["", "0-1"]),
    monitoring=st.booleans(),
)


def walked(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value in it with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walked(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from walked(item, path)


def named(rendering: Rendering, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in rendering.manifests if item["kind"] == kind}


@settings(max_examples=25, deadline=None)
@given(systems, surroundings)
def test_any_declaration_follows_the_schema(document: dict[str, Any], around: Surroundings) -> None:
    for manifest in rendered(document, around).manifests:
        if manifest["kind"] != "ServiceMonitor":
            assert checked(manifest) == manifest


@settings(max_examples=25, deadline=None)
@given(systems, surroundings)
def test_rendering_is_plain_data_and_always_the_same(document: dict[str, Any], around: Surroundings) -> None:
    once, again = rendered(document, around), rendered(document, around)
    assert json.dumps(once.manifests) == json.dumps(again.manifests)
    assert json.loads(json.dumps(once.manifests)) == list(once.manifests)


@settings(max_examples=25, deadline=None)
@given(systems, surroundings)
def test_what_an_api_server_would_leave_out_is_left_out(document: dict[str, Any], around: Surroundings) -> None:
    for manifest in rendered(document, around).manifests:
        for path, value in walked(manifest):
            assert value is not None, path
            if not MAY_BE_EMPTY & set(path[-2:]):
                assert value not in ("", [], {}), path


@settings(max_examples=25, deadline=None)
@given(systems, surroundings)
def test_names_and_labels_are_within_their_limits(document: dict[str, Any], around: Surroundings) -> None:
    seen = set()
    for manifest in rendered(document, around).manifests:
        metadata = manifest["metadata"]
        assert LABEL.fullmatch(metadata["name"]), metadata["name"]
        assert (manifest["kind"], metadata["name"]) not in seen
        seen.add((manifest["kind"], metadata["name"]))
        assert all(VALUE.fullmatch(value) for value in metadata["labels"].values()), metadata
        if manifest["kind"] == "StatefulSet":
            assert len(metadata["name"]) <= 52
        for path, value in walked(manifest):
            if path[-2:] in (("containers", "name"), ("volumes", "name"), ("ports", "name")):
                assert LABEL.fullmatch(value), path


@settings(max_examples=25, deadline=None)
@given(systems, surroundings)
def test_every_reference_leads_somewhere(document: dict[str, Any], around: Surroundings) -> None:
    system = parse_system(document)
    blueprint = blueprint_of(system)
    made = render(system, blueprint, around)
    secrets = {
        f"{system.name}-{secret.name}" if secret.generated else secret.name: set(secret.keys)
        for secret in blueprint.secrets
    }
    for _, template in pods(made):
        spec = template["spec"]
        (container,) = spec["containers"]
        assert spec["serviceAccountName"] in named(made, "ServiceAccount")
        assert {item["configMapRef"]["name"] for item in container.get("envFrom", [])} <= named(made, "ConfigMap")
        assert {item["name"] for item in container["volumeMounts"]} == {item["name"] for item in spec["volumes"]}
        ports = {item["name"] for item in container.get("ports", [])}
        for path, value in walked(container):
            if path[-1:] == ("port",):
                assert value in ports
        for volume in spec["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in named(made, "PersistentVolumeClaim")
            if secret := volume.get("secret"):
                assert {item["key"] for item in secret["items"]} <= secrets[secret["secretName"]]
    for manifest in made.manifests:
        if manifest["kind"] == "StatefulSet":
            assert manifest["spec"]["serviceName"] in named(made, "Service")
        if manifest["kind"] == "HorizontalPodAutoscaler":
            assert manifest["spec"]["scaleTargetRef"]["name"] in named(made, "Deployment")
        if manifest["kind"] == "Ingress":
            backends = [path["backend"]["service"]["name"] for path in manifest["spec"]["rules"][0]["http"]["paths"]]
            assert set(backends) <= named(made, "Service")


@settings(max_examples=25, deadline=None)
@given(systems, surroundings)
def test_every_service_selects_pods_that_have_its_ports(document: dict[str, Any], around: Surroundings) -> None:
    made = rendered(document, around)
    templates = [template for _, template in pods(made)]
    for manifest in made.manifests:
        if manifest["kind"] == "Service":
            chosen = [
                item for item in templates if manifest["spec"]["selector"].items() <= item["metadata"]["labels"].items()
            ]
            (template,) = chosen
            ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in manifest["spec"]["ports"]} <= ports


@settings(max_examples=25, deadline=None)
@given(systems)
def test_groups_are_in_the_order_in_which_a_system_becomes_healthy(document: dict[str, Any]) -> None:
    blueprint = blueprint_of(parse_system(document))
    names = [group.name for group in rendered(document).groups]
    assert names == [FOUNDATION, *(workload.name for workload in blueprint.workloads), EDGE]


@settings(max_examples=25, deadline=None)
@given(systems)
def test_every_pod_keeps_to_the_restricted_standard(document: dict[str, Any]) -> None:
    for _, template in pods(rendered(document)):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "privileged": False,
                "readOnlyRootFilesystem": True,
            }
        assert all(set(volume) & {"persistentVolumeClaim", "secret", "emptyDir"} for volume in spec["volumes"])


@settings(max_examples=25, deadline=None)
@given(systems)
def test_policies_allow_what_the_other_side_allows_too(document: dict[str, Any]) -> None:
    """Between pods a connection needs a rule on both sides, so each edge is drawn twice."""
    made = rendered(document)
    leaving, arriving = connections(made, "egress", "to"), connections(made, "ingress", "from")
    assert leaving == {(client, server, port) for server, client, port in arriving}


def connections(made: Rendering, direction: str, peers: str) -> set[tuple[str, str, int]]:
    """(component, other component, port) of every rule between pods of the system."""
    found: set[tuple[str, str, int]] = set()
    for policy in policies(made):
        own = policy["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        for rule in policy["spec"].get(direction, []):
            for peer in rule.get(peers, []):
                other = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/component")
                if own and other:
                    found |= {(own, other, port["port"]) for port in rule["ports"]}
    return found


def policies(made: Rendering) -> list[Manifest]:
    return [item for item in made.manifests if item["kind"] == "NetworkPolicy"]
