"""Pods: environment, probes, secrets, and what makes them be replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.api.validate import parse_system
from controller.blueprint.workload import Blueprint, Kind, Probe, Workload
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.render import probes, quantities
from controller.targets.kubernetes.render.build import render
from controller.targets.kubernetes.render.config_map import config_map
from controller.targets.kubernetes.render.errand import errand
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.names import joined, label_name, label_value
from controller.targets.kubernetes.render.pod import template
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.surroundings import Surroundings
from tests.testbed.manifests import checked, declaration, found, pods, rendered


def scope(surroundings: Surroundings | None = None, **spec: Any) -> Scope:
    system = parse_system(declaration(**spec))
    return Scope(system, blueprint_of(system), surroundings or Surroundings("chat"))


def workload(one: Scope, name: str) -> Workload:
    made = one.blueprint.workload(name)
    assert made is not None
    return made


def container(one: Scope, name: str) -> Manifest:
    (made,) = template(one, workload(one, name))["spec"]["containers"]
    return dict(made)


def variables(made: Manifest) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in made["env"]}


def test_what_differs_from_pod_to_pod_is_in_the_pod_and_the_rest_in_a_config_map() -> None:
    one = scope()
    own = variables(container(one, "user"))
    assert own["CHATSYSTEM_INSTANCE"] == "$(POD_NAME)"
    assert own["CHATSYSTEM_RPC_HOST"] == "$(POD_IP)"
    assert own["POD_IP"] == {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}
    settings = config_map(one, workload(one, "user"))
    assert settings is not None
    assert settings["data"]["CHATSYSTEM_DATABASE_URL"] == "mysql://acme-mysql.chat.svc:3306/chen_im"
    assert settings["data"]["CHATSYSTEM_DATABASE_PASSWORD_FILE"] == "/run/chatsystem/secrets/mysql/password"
    assert settings["data"]["CHATSYSTEM_USER_PORT"] == "10003"
    assert not set(settings["data"]) & set(own)


def test_a_config_map_of_another_content_has_another_name_and_the_old_one_stays() -> None:
    before, after = scope(), scope(logging={"level": "debug"})
    old, new = config_map(before, workload(before, "user")), config_map(after, workload(after, "user"))
    assert old is not None and new is not None
    assert old["metadata"]["name"] != new["metadata"]["name"]
    assert old["immutable"] is True
    assert config_map(scope(), workload(before, "user")) == old


@pytest.mark.parametrize("text", ["$(HOME) costs $5", "$(POD_NAME)"])
def test_what_a_person_writes_is_not_replaced(text: str) -> None:
    services = {"user": {"environment": {"PLAIN": text, "MIXED": f"{text} {{instance}}"}}}
    one = scope(services=services)
    settings = config_map(one, workload(one, "user"))
    assert settings is not None
    assert settings["data"]["PLAIN"] == text
    assert variables(container(one, "user"))["MIXED"] == text.replace("$(", "$$(") + " $(POD_NAME)"


def test_a_script_reaches_the_shell_as_it_was_written() -> None:
    made = container(scope(), "redis")
    assert made["command"][:2] == ["sh", "-ec"]
    assert "$$(command -v valkey-server || " in made["command"][2]
    assert "--dir" in made["args"]
    assert "/data" in made["args"]


def test_a_secret_is_mounted_under_its_own_name_whatever_the_object_is_called() -> None:
    one = scope(Surroundings("chat", secrets={"mysql": "acme-mysql-77aa"}))
    made = template(one, workload(one, "user"))["spec"]
    (volume,) = (item for item in made["volumes"] if item["name"] == "secret-mysql")
    assert volume["secret"]["secretName"] == "acme-mysql-77aa"
    assert [item["key"] for item in volume["secret"]["items"]] == ["password", "username"]
    mounts = {item["mountPath"] for item in made["containers"][0]["volumeMounts"]}
    assert "/run/chatsystem/secrets/mysql" in mounts


def test_pods_are_replaced_when_a_person_s_secret_changes_and_only_those_that_read_it() -> None:
    stores = {"mysql": {"external": {"endpoints": ["db:1"], "secretName": "db"}}}
    one = scope(Surroundings("chat", fingerprints={"db": "1"}), stores=stores)
    two = scope(Surroundings("chat", fingerprints={"db": "2"}), stores=stores)
    assert template(one, workload(one, "user")) != template(two, workload(two, "user"))
    assert template(one, workload(one, "gateway")) == template(two, workload(two, "gateway"))


def test_calling_the_same_image_by_another_version_restarts_nothing() -> None:
    image = {"digest": f"sha256:{'0' * 64}"}
    before, after = (rendered(declaration(image=image, version=version)) for version in ("1.2.0", "1.3.0"))
    services = {"gateway", "user", "friend", "transmit", "store", "file", "speech"}
    for (name, old), (_, new) in zip(pods(before), pods(after), strict=True):
        if name in services:
            assert old == new
    assert found(after, "Deployment", "acme-user")["metadata"]["labels"]["app.kubernetes.io/version"] == "1.3.0"


def test_a_service_is_asked_often_until_it_answers_and_restarted_when_it_hangs() -> None:
    made = container(scope(), "user")
    assert made["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert (made["startupProbe"]["periodSeconds"], made["startupProbe"]["failureThreshold"]) == (2, 30)
    assert made["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics", "scheme": "HTTP"}
    assert (made["livenessProbe"]["periodSeconds"], made["livenessProbe"]["failureThreshold"]) == (5, 6)


def test_a_store_that_is_late_is_not_killed() -> None:
    made = container(scope(), "mysql")
    assert made["readinessProbe"]["tcpSocket"] == {"port": "mysql"}
    assert not {"startupProbe", "livenessProbe"} & set(made)


def test_a_gateway_leaves_the_endpoints_before_it_hears_of_its_end() -> None:
    one = scope(services={"gateway": {"stopGrace": "45s"}})
    made = template(one, workload(one, "gateway"))["spec"]
    assert made["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": probes.LEAVE}}}
    assert made["terminationGracePeriodSeconds"] == 45 + probes.LEAVE
    other = template(one, workload(one, "user"))["spec"]
    assert "lifecycle" not in other["containers"][0]
    assert other["terminationGracePeriodSeconds"] == 30


def test_a_job_is_named_by_what_it_runs_and_its_number() -> None:
    one = scope()
    first = one.object_name(workload(one, "migration"))
    again = scope(Surroundings("chat", attempts={"migration": 2}))
    assert again.object_name(workload(again, "migration")) == f"{first.removesuffix('-1')}-2"
    other = scope(version="1.3.0")
    assert other.object_name(workload(other, "migration")).split("-")[2] != first.split("-")[2]


def test_a_job_has_no_probes_and_a_deadline() -> None:
    (job,) = (
        item for item in rendered(declaration(release={"migrationTimeout": "90s"})).manifests if item["kind"] == "Job"
    )
    assert job["spec"]["activeDeadlineSeconds"] == 90
    assert not [key for key in job["spec"]["template"]["spec"]["containers"][0] if key.endswith("Probe")]


def test_an_errand_is_one_object_that_needs_no_other() -> None:
    one = scope()
    user = workload(one, "user")
    run = replace(
        user, name="look", kind=Kind.JOB, arguments=("check-stores",), ports=(), environment={"A": "$(B)", "C": ""}
    )
    made = errand(
        Scope(one.system, Blueprint("acme", (*one.blueprint.workloads, run), one.blueprint.secrets), one.surroundings),
        run,
    )
    assert checked(made) == made
    (inside,) = made["spec"]["template"]["spec"]["containers"]
    assert "envFrom" not in inside
    told = variables(inside)
    assert told["A"] == "$$(B)"
    assert told["CHATSYSTEM_DATABASE_PASSWORD_FILE"] == "/run/chatsystem/secrets/mysql/password"
    assert made["spec"]["template"]["metadata"]["labels"]["chatsystem.dev/errand"] == "true"
    assert made["spec"]["backoffLimit"] == 0


def test_what_is_limited_is_requested() -> None:
    limits = {"resources": {"limits": {"memory": "1536Mi", "cpu": "0.5"}, "requests": {"memory": "1Gi"}}}
    made = container(scope(services={"user": limits}), "user")
    assert made["resources"] == {
        "limits": {"cpu": "500m", "memory": "1536Mi"},
        "requests": {"cpu": "500m", "memory": "1Gi"},
    }


def test_a_suspended_system_keeps_its_objects_at_zero() -> None:
    made = rendered(declaration(suspend=True))
    kinds = {item["kind"] for item in made.manifests}
    assert not {"HorizontalPodAutoscaler", "PodDisruptionBudget"} & kinds
    assert {item["spec"]["replicas"] for item in made.manifests if "replicas" in item.get("spec", {})} == {0}
    assert {item["spec"]["suspend"] for item in made.manifests if item["kind"] == "Job"} == {True}


@pytest.mark.parametrize(
    ("amount", "written"),
    [(0, "0"), (1, "1"), (1024, "1Ki"), (1536 * 2**20, "1536Mi"), (20 * 2**30, "20Gi"), (10**9, "1000000000")],
)
def test_memory_is_written_as_an_api_server_writes_it(amount: int, written: str) -> None:
    assert quantities.memory(amount) == written


@pytest.mark.parametrize(
    ("cores", "written"), [(2.0, "2"), (0.5, "500m"), (0.1, "100m"), (1.5, "1500m"), (0.29, "290m"), (0.0, "0")]
)
def test_cpu_is_written_as_an_api_server_writes_it(cores: float, written: str) -> None:
    assert quantities.cpu(cores) == written


def test_names_stay_within_their_limits_and_apart() -> None:
    long = "a" * 60
    assert len(joined(long, "b")) <= 63
    assert joined(long, "bb") != joined(long, "bc")
    assert label_name("a.b") != label_name("a-b")
    assert label_value("_8.4@sha256:abc/") == "8.4-sha256-abc"


def test_a_line_that_a_probe_would_ask_is_asked_by_nobody() -> None:
    one = Workload("x", Kind.SERVICE, "x", ready=Probe("client", ask="PING"))
    assert probes.probes(one)["readinessProbe"]["tcpSocket"] == {"port": "client"}


def test_a_volume_belongs_to_the_first_that_mounts_it() -> None:
    made = rendered(declaration())
    claims = [item["metadata"]["name"] for item in made.manifests if item["kind"] == "PersistentVolumeClaim"]
    assert len(claims) == len(set(claims)) == 6
    assert not [
        item
        for item in made.manifests
        if item["kind"] == "PersistentVolumeClaim" and "ownerReferences" in item["metadata"]
    ]


def test_objects_go_with_their_system_but_not_the_data() -> None:
    system = parse_system(declaration())
    made = render(system, blueprint_of(system), Surroundings("chat", owner_uid="0-1"))
    without = {item["kind"] for item in made.manifests if "ownerReferences" not in item["metadata"]}
    assert without == {"PersistentVolumeClaim"}
