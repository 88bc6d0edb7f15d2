"""What is known of a cluster: the newest of what was heard, in whatever order it came."""

from __future__ import annotations

from typing import Any

from controller.targets.kubernetes.cache import Cache
from controller.targets.kubernetes.changes import Changes
from controller.targets.kubernetes.kinds import SERVICE
from controller.targets.kubernetes.systems import Systems

ACME = ("chat", "acme")


def service(version: int, name: str = "one", uid: str = "u") -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "chat",
        "uid": uid,
        "resourceVersion": str(version),
        "labels": {"app.kubernetes.io/instance": "acme"},
        "managedFields": [{"large": "thing"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata}


def versions(cache: Cache) -> list[str]:
    return sorted(item["metadata"]["resourceVersion"] for item in cache.of(ACME))


def test_an_older_state_does_not_replace_a_newer_one() -> None:
    cache = Cache()
    cache.put(service(5))
    cache.put(service(4))
    assert versions(cache) == ["5"]


def test_a_list_drops_ghosts_but_not_what_was_made_after_it() -> None:
    cache = Cache()
    for version, name in ((3, "ghost"), (4, "kept"), (12, "made-since")):
        cache.put(service(version, name))
    cache.replace(SERVICE, None, [service(4, "kept")], "10")
    assert {item["metadata"]["name"] for item in cache.of(ACME)} == {"kept", "made-since"}


def test_a_deletion_of_another_life_is_not_taken_for_this_one() -> None:
    cache = Cache()
    cache.put(service(7, uid="second"))
    cache.drop(service(9, uid="first"))
    assert versions(cache) == ["7"]


def test_changes_are_told_and_repetitions_are_not() -> None:
    told: list[object] = []
    cache = Cache(told.append)
    cache.put(service(1))
    cache.put(service(1))
    cache.put(service(2))
    cache.drop(service(2))
    assert told == [ACME] * 3


def test_what_nobody_reads_is_not_kept() -> None:
    cache = Cache()
    cache.put(service(1))
    assert "managedFields" not in cache.of(ACME)[0]["metadata"]


def test_a_system_wakes_the_loop_for_its_declaration_but_not_for_its_status() -> None:
    systems, told = Systems(Changes()), []
    systems.changes.tell = told.append  # type: ignore[method-assign, assignment]
    metadata = {"name": "acme", "namespace": "chat", "uid": "u", "generation": 1, "resourceVersion": "1"}
    systems.put({"metadata": metadata})
    systems.put({"metadata": {**metadata, "resourceVersion": "2"}, "status": {"phase": "Running"}})
    assert told == [ACME]
    systems.put({"metadata": {**metadata, "resourceVersion": "3", "generation": 2}})
    systems.listed(None, [], "9")
    assert told == [ACME] * 3
