"""What may not change in a declaration that is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.api.change import check_change
from controller.api.problem import InvalidDocument
from controller.api.validate import parse

System = Callable[..., dict[str, Any]]


def mysql(storage: str) -> dict[str, Any]:
    return {"mysql": {"managed": {"storage": storage}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"stores": mysql("20Gi")}, {"stores": mysql("20480Mi")}),
        ({"stores": mysql("20Gi")}, {"stores": mysql("30Gi")}),
        ({}, {"stores": mysql("30Gi")}),
        ({"stores": mysql("90Gi")}, {"stores": {"mysql": {"external": {"endpoints": ["db:3306"]}}}}),
        ({"exposure": {"http": 1}}, {"exposure": {"http": 2}}),
        ({"surprise": 1, "stores": mysql("90Gi")}, {"stores": mysql("1Gi")}),
    ],
)
def test_an_ordinary_change_is_accepted(system: System, before: dict[str, Any], after: dict[str, Any]) -> None:
    check_change(system(**before), parse(system(**after)))


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"stores": mysql("20Gi")}, {"stores": mysql("10Gi")}, "spec.stores.mysql.managed.storage"),
        ({}, {"stores": mysql("10Gi")}, "spec.stores.mysql.managed.storage"),
        ({"stores": mysql("30Gi")}, {}, "spec.stores.mysql.managed.storage"),
        ({}, {"stores": {"files": {"managed": {"storage": "1Gi"}}}}, "spec.stores.files.managed.storage"),
    ],
)
def test_a_volume_cannot_shrink(system: System, before: dict[str, Any], after: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        check_change(system(**before), parse(system(**after)))
    assert [problem.path for problem in caught.value.problems] == [path]
    assert caught.value.problems[0].message == "a volume cannot shrink"


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"mysql": {"managed": {"storageClass": "a"}}}, {"mysql": {"managed": {"storageClass": "b"}}}, "mysql"),
        ({"mysql": {"managed": {"storageClass": "a"}}}, {}, "mysql"),
        ({}, {"redis": {"managed": {"storageClass": "b"}}}, "redis"),
        ({}, {"files": {"managed": {"storageClass": "b"}}}, "files"),
    ],
)
def test_a_volume_stays_in_its_storage_class(
    system: System, before: dict[str, Any], after: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidDocument, match="a volume cannot move to another storage class") as caught:
        check_change(system(stores=before), parse(system(stores=after)))
    assert [problem.path for problem in caught.value.problems] == [f"spec.stores.{path}.managed.storageClass"]


def test_a_volume_keeps_its_access_mode(system: System) -> None:
    shared = {"files": {"managed": {"accessMode": "ReadWriteMany"}}}
    with pytest.raises(InvalidDocument, match="the access mode of a volume cannot change"):
        check_change(system(), parse(system(stores=shared)))
    check_change(system(stores=shared), parse(system(stores=shared)))


def test_a_request_for_a_backup_cannot_become_another_one() -> None:
    def backup(system: str) -> dict[str, Any]:
        return {
            "apiVersion": "chatsystem.dev/v1alpha1",
            "kind": "ChatSystemBackup",
            "metadata": {"name": "b"},
            "spec": {"system": system},
        }

    check_change(backup("acme"), parse(backup("acme")))
    with pytest.raises(InvalidDocument, match="spec: it cannot be changed"):
        check_change(backup("acme"), parse(backup("other")))
