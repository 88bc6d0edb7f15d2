"""The run that checks the external stores is told of them what the services are told, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.api.validate import parse_system
from controller.blueprint import store_check
from controller.blueprint.build import build
from controller.blueprint.part import Profile
from controller.blueprint.workload import Blueprint

MYSQL = {"external": {"endpoints": ["db:3306"], "secretName": "db", "tls": {"caSecret": "ca"}}}
INDEX = {"external": {"endpoints": ["https://es:9200"]}}
FILES = {"s3": {"bucket": "chat", "secretName": "keys"}}


def blueprint(profile: Profile | None = None, **spec: Any) -> Blueprint:
    document = {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": "acme"},
        "spec": {"version": "1", **spec},
    }
    return build(parse_system(document), profile or Profile(embedded=False))


def test_only_external_stores_are_known_as_such() -> None:
    found = blueprint(stores={"mysql": MYSQL, "elasticsearch": INDEX, "files": FILES})
    assert {item.name: item.path for item in found.external} == {
        "mysql": "spec.stores.mysql.external",
        "elasticsearch": "spec.stores.elasticsearch.external",
        "files": "spec.stores.files.s3",
    }
    assert blueprint().external == ()


def test_the_field_that_names_a_secret_is_known() -> None:
    mysql, files = blueprint(stores={"mysql": MYSQL, "files": FILES}).external
    assert mysql.secret_fields == {"db": "secretName", "ca": "tls.caSecret"}
    assert files.secret_fields == {"keys": "secretName"}


def test_a_registry_that_one_process_does_not_use_is_not_looked_at() -> None:
    stores = {"etcd": {"external": {"endpoints": ["etcd:2379"]}}}
    assert [item.name for item in blueprint(stores=stores).external] == ["etcd"]
    assert blueprint(Profile(embedded=True, shared_process=True), stores=stores).external == ()


def test_the_run_is_told_of_the_chosen_stores_alone() -> None:
    found = blueprint(stores={"mysql": MYSQL, "files": FILES})
    run = store_check.workload(found, ["files"])
    assert run.arguments[-1:] == ("files",)
    assert set(run.environment) == {"CHATSYSTEM_FILES_URL", "CHATSYSTEM_FILES_REGION"}
    assert {name for name, _ in run.secrets.values()} == {"keys"}
    assert run.image == found.workload("migration").image
    everything = store_check.workload(found, ["mysql", "files"])
    assert everything.arguments[-2:] == ("mysql", "files")
    assert everything.secrets["CHATSYSTEM_DATABASE_CA_FILE"] == ("ca", "ca.crt")


def test_services_can_be_without_the_search_index_and_a_migration_without_all_but_the_database() -> None:
    found = blueprint(stores={"mysql": MYSQL, "elasticsearch": INDEX, "files": FILES})
    assert found.workload("file").external == ("mysql", "files")
    assert found.workload("store").external == ("mysql",)
    assert found.workload("migration").external == ("mysql",)


def test_what_a_workload_needs_is_no_part_of_what_it_is() -> None:
    file = blueprint(stores={"mysql": MYSQL}).workload("file")
    assert replace(file, external=()).digest == file.digest


@pytest.mark.parametrize(
    ("spec", "connections"),
    [
        ({"services": {name: {"replicas": 0} for name in ("speech", "gateway", "user", "file", "friend", "store")}
          | {"transmit": {"replicas": 3, "config": {"poolSize": 16}}}}, 3 * 16 + 16 + 3),
        ({"services": {name: {"replicas": 1} for name in
                       ("speech", "gateway", "user", "file", "friend", "store", "transmit")}}, 5 * 4 + 4 + 3),
    ],
)  # fmt: skip
def test_the_connections_that_the_services_need_of_the_database(spec: dict[str, Any], connections: int) -> None:
    assert store_check.connections(blueprint(**spec)) == connections
