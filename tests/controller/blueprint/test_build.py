"""From declarations to blueprints."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.validate import parse_system
from controller.blueprint.build import SERVICES, build
from controller.blueprint.part import Profile
from controller.blueprint.workload import Blueprint, Certificate, Kind, Workload
from services.catalogue import BY_NAME

LOCAL = Profile(
    embedded=True,
    shared_process=True,
    schedules=False,
    address="127.0.0.1",
    rpc_address="127.0.0.1",
    metrics_address="127.0.0.1",
)
SPLIT = Profile(
    embedded=True,
    shared_process=False,
    schedules=False,
    address="127.0.0.1",
    rpc_address="127.0.0.1",
    metrics_address="127.0.0.1",
)
CLUSTER = Profile(embedded=False)


def blueprint(profile: Profile, **spec: Any) -> Blueprint:
    document = {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": "acme"},
        "spec": {"version": "1.2.0", **spec},
    }
    return build(parse_system(document), profile)


def found(made: Blueprint, name: str) -> Workload:
    workload = made.workload(name)
    assert workload is not None
    return workload


def names(made: Blueprint) -> list[str]:
    return [workload.name for workload in made.workloads]


def test_one_process_needs_one_store_and_a_migration() -> None:
    made = blueprint(LOCAL)
    assert names(made) == ["valkey", "migration", "services"]
    services = found(made, "services")
    assert services.arguments == tuple(SERVICES)
    assert services.depends_on == ("valkey", "migration")
    assert services.environment["CHATSYSTEM_REGISTRY_URL"] == "none:"
    assert services.environment["CHATSYSTEM_DATABASE_URL"] == "sqlite:///{volume:database}/chat.db"
    assert {port.number for port in services.ports if port.published} == {9000, 9001}


def test_a_process_per_service_finds_the_others_in_the_registry_with_a_secret() -> None:
    made = blueprint(SPLIT, services={"user": {"replicas": 3}})
    assert names(made) == ["valkey", "migration", "speech", "file", "user", "transmit", "store", "friend", "gateway"]
    user = found(made, "user")
    assert user.replicas == 3
    assert user.environment["CHATSYSTEM_REGISTRY_URL"] == "redis://{address:valkey:client}/2"
    assert user.environment["CHATSYSTEM_USER_PORT"] == "{port:rpc}"
    assert user.secrets["CHATSYSTEM_RPC_SECRET_FILE"] == ("rpc", "secret")
    assert not any(port.published for port in user.ports)


def test_a_process_is_told_of_the_stores_of_its_services_alone() -> None:
    made = blueprint(CLUSTER)
    told = {
        name: {key.split("_")[1] for key in found(made, name).environment if key.endswith("_URL")} for name in SERVICES
    }
    assert told["speech"] == {"REGISTRY"}
    assert told["gateway"] == {"CACHE", "REGISTRY"}
    assert told["file"] == {"DATABASE", "FILES", "REGISTRY"}
    assert {name for name in SERVICES if found(made, name).volumes} == {"file"}
    for name, words in told.items():
        secrets = {secret for secret, _ in found(made, name).secrets.values()}
        assert ("mysql" in secrets) == ("DATABASE" in words)
    assert found(made, "speech").depends_on == ("etcd",)
    assert found(made, "file").depends_on == ("mysql", "etcd", "migration")


@pytest.mark.parametrize("profile", [LOCAL, SPLIT, CLUSTER])
def test_what_is_run_beside_a_system_knows_its_queue_and_its_index(profile: Profile) -> None:
    informed = blueprint(profile).best_informed
    assert informed is not None
    assert {"CHATSYSTEM_DATABASE_URL", "CHATSYSTEM_QUEUE_URL", "CHATSYSTEM_SEARCH_URL"} <= set(informed.environment)


def test_a_cluster_runs_each_store_as_a_server_of_its_own() -> None:
    made = blueprint(CLUSTER)
    stores = [item.name for item in made.workloads if item.kind is Kind.STORE]
    assert stores == ["mysql", "redis", "rabbitmq", "elasticsearch", "etcd"]
    assert found(made, "mysql").image == "mysql:8.4"
    assert found(made, "gateway").replicas == 2
    assert found(made, "gateway").image == "chatsystem:1.2.0"


@pytest.mark.parametrize("profile", [LOCAL, SPLIT, CLUSTER])
def test_everything_comes_after_what_it_depends_on_and_the_gateway_last(profile: Profile) -> None:
    made = blueprint(profile)
    for place, workload in enumerate(made.workloads):
        assert set(workload.depends_on) <= set(names(made)[:place])
    assert "gateway" in made.workloads[-1].components


def test_the_table_of_contents_names_every_service_in_the_catalogue_s_order() -> None:
    assert list(SERVICES) == list(BY_NAME)


@pytest.mark.parametrize("profile", [LOCAL, SPLIT, CLUSTER])
def test_a_public_port_may_be_one_that_metrics_would_have_had(profile: Profile) -> None:
    ports = blueprint(profile, exposure={"http": 9100, "websocket": 9101}).workloads[-1].ports
    assert {"http": 9100, "websocket": 9101}.items() <= {port.name: port.number for port in ports}.items()
    assert len({port.number for port in ports}) == len(ports)


@pytest.mark.parametrize("profile", [LOCAL, SPLIT, CLUSTER])
def test_a_service_at_zero_replicas_is_absent(profile: Profile) -> None:
    made = blueprint(profile, services={"speech": {"replicas": 0}})
    assert not any("speech" in workload.components for workload in made.workloads)
    assert not any("speech" in workload.depends_on for workload in made.workloads)


def test_without_any_service_only_the_stores_are_left() -> None:
    none = {name: {"replicas": 0} for name in SERVICES}
    assert names(blueprint(LOCAL, services=none)) == ["valkey", "migration"]
    assert names(blueprint(SPLIT, services=none)) == ["valkey", "migration"]


def test_configuration_reaches_the_environment_and_the_person_s_own_variables_win() -> None:
    made = blueprint(
        LOCAL,
        services={
            "store": {"config": {"poolSize": 9}, "environment": {"CHATSYSTEM_LOG_LEVEL": "debug"}},
            "gateway": {"config": {"web": False}},
        },
    )
    environment = found(made, "services").environment
    assert environment["CHATSYSTEM_STORE_POOL_SIZE"] == "9"
    assert environment["CHATSYSTEM_GATEWAY_WEB"] == "false"
    assert environment["CHATSYSTEM_LOG_LEVEL"] == "debug"


def test_the_drain_window_follows_the_release_unless_the_gateway_says_otherwise() -> None:
    variable = "CHATSYSTEM_GATEWAY_DRAIN_WINDOW"
    follows = blueprint(LOCAL, release={"reconnectWindow": "7s"})
    assert found(follows, "services").environment[variable] == "7s"
    own = blueprint(LOCAL, services={"gateway": {"config": {"drainWindow": "3s"}}})
    assert found(own, "services").environment[variable] == "3s"


def test_external_stores_are_an_address_and_a_secret_that_is_not_ours_to_make() -> None:
    made = blueprint(
        LOCAL,
        stores={
            "mysql": {"external": {"endpoints": ["db:3306"], "secretName": "db"}},
            "redis": {"external": {"endpoints": ["cache:6379"], "database": 4}},
            "rabbitmq": {"external": {"endpoints": ["q:5672"], "virtualHost": "/chat"}},
            "elasticsearch": {"external": {"endpoints": ["https://es:9200"]}},
            "files": {"s3": {"bucket": "files", "secretName": "s3"}},
        },
    )
    assert names(made) == ["migration", "services"]
    services = found(made, "services")
    assert services.environment["CHATSYSTEM_DATABASE_URL"] == "mysql://db:3306/chen_im"
    assert services.environment["CHATSYSTEM_CACHE_URL"] == "redis://cache:6379/4"
    assert services.environment["CHATSYSTEM_QUEUE_URL"] == "amqp://q:5672/%2Fchat"
    assert services.environment["CHATSYSTEM_FILES_URL"] == "s3://files/"
    assert services.secrets["CHATSYSTEM_DATABASE_PASSWORD_FILE"] == ("db", "password")
    assert {secret.name: secret.generated for secret in made.secrets} == {"db": False, "s3": False}


@pytest.mark.parametrize(
    ("store", "prefix", "address"),
    [
        ("mysql", "DATABASE", "one:1"),
        ("redis", "CACHE", "one:1"),
        ("rabbitmq", "QUEUE", "one:1"),
        ("elasticsearch", "SEARCH", "https://one:1"),
        ("etcd", "REGISTRY", "one:1"),
    ],
)
def test_access_to_an_external_store_reaches_the_services_as_files(store: str, prefix: str, address: str) -> None:
    tls = {"caSecret": "authority", "clientSecret": "me", "insecureSkipVerify": True}
    addresses = [address, address.replace("one", "two")]
    made = blueprint(SPLIT, stores={store: {"external": {"endpoints": addresses, "secretName": "who", "tls": tls}}})
    services = found(made, "transmit")
    url = services.environment[f"CHATSYSTEM_{prefix}_URL"]
    assert "one:1" in url
    assert "two:1" in url
    assert services.environment[f"CHATSYSTEM_{prefix}_TLS"] == "true"
    assert services.environment[f"CHATSYSTEM_{prefix}_TLS_VERIFY"] == "false"
    files = {name: services.secrets[f"CHATSYSTEM_{prefix}_{name}_FILE"] for name in _FILES}
    assert files == _FILES
    assert {"authority", "me", "who"} <= {secret.name for secret in made.secrets if not secret.generated}


_FILES = {
    "USERNAME": ("who", "username"),
    "PASSWORD": ("who", "password"),
    "CA": ("authority", "ca.crt"),
    "CERTIFICATE": ("me", "tls.crt"),
    "KEY": ("me", "tls.key"),
}


def test_one_secret_may_hold_what_several_purposes_need() -> None:
    tls = {"caSecret": "all", "clientSecret": "all"}
    made = blueprint(SPLIT, stores={"mysql": {"external": {"endpoints": ["db:1"], "secretName": "all", "tls": tls}}})
    (secret,) = (item for item in made.secrets if item.name == "all")
    assert secret.keys == ("username", "password", "ca.crt", "tls.crt", "tls.key")


def test_a_bucket_behind_an_authority_of_ones_own_is_trusted() -> None:
    s3 = {"bucket": "chat", "endpoint": "https://s3:1", "secretName": "keys", "tls": {"caSecret": "authority"}}
    services = found(blueprint(LOCAL, stores={"files": {"s3": s3}}), "services")
    assert services.environment["CHATSYSTEM_FILES_TLS"] == "true"
    assert services.secrets["CHATSYSTEM_FILES_CA_FILE"] == ("authority", "ca.crt")
    assert services.secrets["CHATSYSTEM_FILES_SECRET_KEY_FILE"] == ("keys", "secretKey")


def test_the_embedded_server_stays_while_a_managed_store_lives_in_it() -> None:
    made = blueprint(LOCAL, stores={"redis": {"external": {"endpoints": ["cache:6379"]}}})
    assert found(made, "valkey").components == ("rabbitmq",)


def test_splitting_the_process_restarts_no_store_and_no_migration() -> None:
    together, split = blueprint(LOCAL), blueprint(SPLIT)
    for name in ("valkey", "migration"):
        assert found(together, name).digest == found(split, name).digest


def test_scaling_and_logging_limits_replace_nothing() -> None:
    before = found(blueprint(SPLIT), "user")
    after = found(blueprint(SPLIT, services={"user": {"replicas": 5}}, logging={"maxFile": 9}), "user")
    assert after.digest == before.digest
    assert after.log_max_files == 9


def test_a_new_version_replaces_the_services_and_migrates_but_keeps_the_stores() -> None:
    before, after = blueprint(LOCAL), blueprint(LOCAL, version="1.3.0")
    changed = {item.name for item in after.workloads if item.digest != found(before, item.name).digest}
    assert changed == {"migration", "services"}


def test_another_schema_migrates_again_without_touching_the_services() -> None:
    document = {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": "acme"},
        "spec": {"version": "1"},
    }
    one, two = (build(parse_system(document), Profile(embedded=True, schema=schema)) for schema in ("a", "b"))
    assert found(one, "migration").digest != found(two, "migration").digest
    assert found(one, "gateway").digest == found(two, "gateway").digest


def test_a_suspended_system_has_everything_at_zero() -> None:
    assert {item.replicas for item in blueprint(LOCAL, suspend=True).workloads} == {0}


def test_placement_and_resources_count_where_there_are_nodes() -> None:
    spec = {
        "user": {"placement": {"node": "n1"}, "resources": {"limits": {"memory": "512Mi", "cpu": "500m"}}},
    }
    placed = found(blueprint(CLUSTER, services=spec), "user")
    assert (placed.placement.node, placed.resources.memory_limit, placed.resources.cpu_limit) == ("n1", 2**29, 0.5)
    assert found(blueprint(SPLIT, services=spec), "user").digest == found(blueprint(SPLIT), "user").digest


def test_no_secret_value_and_no_generated_password_is_in_a_blueprint() -> None:
    for workload in blueprint(CLUSTER).workloads:
        for variable, text in workload.environment.items():
            assert "PASSWORD" not in variable or text.startswith("{")


def test_services_of_their_own_processes_get_certificates_where_that_is_declared() -> None:
    made = blueprint(CLUSTER, network={"tls": {"validity": "30d"}})
    (secret,) = [item for item in made.secrets if item.certificate is not None]
    assert secret.certificate == Certificate("chatsystem-services", 30 * 86400.0)
    for workload in made.workloads:
        files = {value for name, value in workload.secrets.items() if name.startswith("CHATSYSTEM_RPC_TLS_")}
        assert files == ({(secret.name, key) for key in secret.keys} if workload.kind is Kind.SERVICE else set())
        assert all(name != secret.authority for name, _ in workload.secrets.values())


def test_a_persons_own_certificate_is_never_generated() -> None:
    made = blueprint(CLUSTER, network={"tls": {"secretName": "mine"}})
    (secret,) = [item for item in made.secrets if item.name == "mine"]
    assert (secret.generated, secret.certificate) == (False, None)


def test_one_process_needs_no_certificate() -> None:
    made = blueprint(LOCAL, network={"tls": {}})
    assert all(item.certificate is None for item in made.secrets)
