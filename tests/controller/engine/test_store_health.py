"""What the check of the external stores prints is read with care, and decides what may be started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.blueprint.workload import Blueprint, External, Kind, Workload
from controller.engine import store_health
from controller.engine.model import Severity, StoreHealth
from tests.testbed.store_checks import finding, line

MYSQL = External("mysql", "spec.stores.mysql.external", secrets={"A": ("db", "username"), "B": ("db", "password")})
NEEDS = Workload("user", Kind.SERVICE, "image", external=("mysql",))
UNCHECKED = StoreHealth("mysql", MYSQL.path, checked=False)


def health(*findings: dict[str, str]) -> StoreHealth:
    return store_health.read(line("mysql", *findings))["mysql"]


def test_the_lines_of_a_log_between_those_of_the_stores_are_passed_over() -> None:
    printed = f'starting\n{line("mysql")}\n{{"level": "info"}}\n[1]\nnull\n"text"\n{line("redis")}\n'
    assert set(store_health.read(printed)) == {"mysql", "redis"}


def test_an_error_comes_before_a_warning() -> None:
    found = health(finding("StoreMisconfigured", "warning"), finding("StoreFull"))
    assert [item.reason for item in found.findings] == ["StoreFull", "StoreMisconfigured"]
    assert found.error is not None
    assert found.error.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("store", "text"),
    [
        (health(), ""),
        (health(finding(severity="warning")), ""),
        (health(finding()), "spec.stores.mysql.external.secretName: it refuses the password; correct it"),
        (UNCHECKED, "the first check of spec.stores.mysql.external"),
        (StoreHealth("mysql", MYSQL.path, checked=False, failure="no room"), ""),
        (StoreHealth("redis", "spec.stores.redis.external", checked=False), ""),
    ],
)
def test_what_holds_up_a_workload_that_needs_the_database(store: StoreHealth, text: str) -> None:
    assert store_health.obstacle(NEEDS, [store]) == text


def test_what_needs_no_external_store_is_never_held_up() -> None:
    assert store_health.obstacle(Workload("valkey", Kind.STORE, "image"), [health(finding()), UNCHECKED]) == ""


@pytest.mark.parametrize(
    ("existing", "missing"),
    [
        ({}, {"db": ("username", "password")}),
        ({"db": ("password", "other")}, {"db": ("username",)}),
        ({"db": ("password", "username")}, {}),
    ],
)
def test_the_keys_that_a_secret_lacks(
    existing: dict[str, tuple[str, ...]], missing: dict[str, tuple[str, ...]]
) -> None:
    assert store_health.lacking(MYSQL, existing) == missing


def test_a_secret_that_lacks_keys_is_said_with_the_field_that_names_it() -> None:
    named = replace(MYSQL, secret_fields={"db": "secretName"})
    found = store_health.without_secret(named, "db", ["username", "password"], "make it")
    assert found.sentence == (
        "spec.stores.mysql.external.secretName: the secret db lacks the keys username and password; make it"
    )


def test_before_the_first_check_every_store_is_known_by_name() -> None:
    found = store_health.unchecked(Blueprint("acme", external=(MYSQL,)))
    assert [(item.name, item.checked) for item in found] == [("mysql", False)]
