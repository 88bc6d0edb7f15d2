"""What a cluster has of a system, in the engine's words."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from controller.api.validate import parse_system
from controller.blueprint.workload import Blueprint
from controller.engine.model import Observed, Standing
from controller.engine.planner import plan
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.jobs import marks
from controller.targets.kubernetes.observe import observed
from controller.targets.kubernetes.render.manifest import Rendering
from controller.targets.kubernetes.secrets import successors
from tests.controller.targets.kubernetes.objects import LONG_AGO, NOW, applied, container, live, pod
from tests.testbed.manifests import declaration, rendered

INSIDE = {"type": "ClusterIP"}
DOCUMENT = declaration(exposure=INSIDE)
RENDERING = rendered(DOCUMENT)
BLUEPRINT = blueprint_of(parse_system(DOCUMENT))
MIGRATION = next(item for item in BLUEPRINT.workloads if item.name == "migration")


def secrets() -> list[dict[str, Any]]:
    made = []
    for secret in BLUEPRINT.secrets:
        made += successors("acme", "chat", secret, [], NOW)
    return made


def migrated(**status: Any) -> dict[str, Any]:
    """The Job of the migration."""
    (manifest,) = [item for item in RENDERING.manifests if item["kind"] == "Job"]
    job = live(manifest, "migration", 6, **(status or {"conditions": [{"type": "Complete", "status": "True"}]}))
    job["metadata"]["annotations"] |= marks(MIGRATION.digest, 1)
    return job


def look(items: list[dict[str, Any]], blueprint: Blueprint = BLUEPRINT, rendering: Rendering = RENDERING) -> Observed:
    return observed(blueprint, rendering, items, NOW, {})


def converged() -> list[dict[str, Any]]:
    return [*applied(RENDERING), *secrets(), migrated(), pod("gateway")]


def find(items: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(item for item in items if (item["kind"], item["metadata"]["name"]) == (kind, name))


def standing(items: list[dict[str, Any]], name: str) -> tuple[Standing, str]:
    group = look(items).group(name)
    assert group is not None
    return group.standing, group.details


def test_what_was_applied_and_is_well_needs_nothing() -> None:
    assert plan(BLUEPRINT, look(converged()), NOW).empty


def test_an_empty_cluster_misses_everything() -> None:
    found = look([])
    assert {group.standing for group in found.groups if group.name != "migration"} == {Standing.MISSING}
    assert found.secrets == {}


@pytest.mark.parametrize(
    ("kind", "name", "standing_"),
    [
        ("Deployment", "acme-gateway", Standing.MISSING),
        ("Service", "acme-gateway", Standing.DRIFTED),
        ("PodDisruptionBudget", "acme-gateway", Standing.DRIFTED),
    ],
)
def test_a_part_that_is_gone_is_drift_unless_it_is_what_runs(kind: str, name: str, standing_: Standing) -> None:
    items = converged()
    items.remove(find(items, kind, name))
    assert standing(items, "gateway") == (standing_, f"{kind} {name} is missing")


def test_a_changed_field_is_drift_and_is_named() -> None:
    items = converged()
    find(items, "Deployment", "acme-gateway")["spec"]["replicas"] = 9
    assert standing(items, "gateway") == (Standing.DRIFTED, "Deployment acme-gateway was changed: spec.replicas")


def test_another_declaration_makes_what_it_changes_outdated() -> None:
    newer = declaration(version="2.0.0", exposure=INSIDE)
    found = look(converged(), blueprint_of(parse_system(newer)), rendered(newer))
    outdated = {group.name for group in found.groups if group.standing is Standing.OUTDATED}
    assert outdated >= {"file", "user", "transmit", "store", "friend", "gateway", "speech"}
    assert not outdated & {"mysql", "redis", "rabbitmq", "elasticsearch", "etcd"}


def test_objects_of_a_component_that_is_off_are_unwanted_but_its_data_is_not() -> None:
    without = declaration(exposure=INSIDE, services={"gateway": {"replicas": 0}})
    blueprint = blueprint_of(parse_system(without))
    group = look(converged(), blueprint, rendered(without)).group("gateway")
    assert group is not None
    assert group.standing is Standing.UNWANTED
    assert "Deployment acme-gateway" in group.surplus
    everything = look(converged(), Blueprint("acme"), Rendering(()))
    assert not [name for group in everything.groups for name in group.surplus if "Claim" in name or "Secret" in name]


def test_an_older_config_map_is_surplus_of_its_group() -> None:
    items = converged()
    old = copy.deepcopy(next(item for item in items if item["metadata"]["name"].startswith("acme-gateway-")))
    old["metadata"]["name"] = "acme-gateway-old"
    group = look([*items, old]).group("gateway")
    assert group is not None
    assert group.surplus == ("ConfigMap acme-gateway-old",)


def test_a_superseded_secret_stays_while_a_pod_has_it() -> None:
    rpc = next(secret for secret in BLUEPRINT.secrets if secret.name == "rpc")
    items = converged()
    (before,) = [item for item in items if item["metadata"]["name"].startswith("acme-rpc-")]
    (after,) = successors("acme", "chat", replace(rpc, keys=(*rpc.keys, "more")), items, NOW)
    assert after["data"].items() >= before["data"].items()
    name = f"Secret {before['metadata']['name']}"
    volumes = [{"name": "s", "secret": {"secretName": before["metadata"]["name"]}}]
    user = pod("user")
    holding = {**user, "spec": {**user["spec"], "volumes": volumes}}
    # The Deployments have gone on to the new one.
    others = [item for item in items if item["kind"] not in {"Deployment", "StatefulSet"}]
    assert name not in {one for group in look([*others, after, holding]).groups for one in group.surplus}
    assert name in {one for group in look([*others, after]).groups for one in group.surplus}


def test_a_job_that_failed_says_why_and_when_it_is_tried_again() -> None:
    condition = {"type": "Failed", "status": "True", "message": "BackoffLimitExceeded", "lastTransitionTime": LONG_AGO}
    job = migrated(conditions=[condition])
    ended = {"terminated": {"exitCode": 2, "message": "table users: disk full"}}
    broken = pod("migration", phase="Failed", containerStatuses=[container(ended)])
    broken["metadata"]["ownerReferences"] = [{"kind": "Job", "uid": job["metadata"]["uid"]}]
    (run,) = look([job, broken]).jobs
    assert run.succeeded is False
    assert run.digest == MIGRATION.digest
    assert run.message == "BackoffLimitExceeded; ended with code 2; its last output: table users: disk full"
    assert 0 < run.retry_at < NOW


def test_what_is_being_removed_is_waited_for_and_not_applied() -> None:
    items = converged()
    find(items, "Deployment", "acme-gateway")["metadata"]["deletionTimestamp"] = LONG_AGO
    current = plan(BLUEPRINT, look(items), NOW)
    assert not current.actions
    assert "being removed" in current.waits[0].reason
