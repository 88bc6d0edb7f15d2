"""An invalid document is refused with every error at once, each with its path, what is wrong and what would be right."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from controller.api.problem import SHOWN, InvalidDocument, Problem
from controller.api.validate import dump, parse, parse_system

System = Callable[..., dict[str, Any]]


def problems(document: object) -> dict[str, Problem]:
    with pytest.raises(InvalidDocument) as caught:
        parse(document)
    return {problem.path: problem for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        (None, "", "the document is nothing"),
        ([], "", "the document is a list"),
        ({}, "apiVersion", "is required"),
        ({"apiVersion": "v1", "kind": "ChatSystem"}, "apiVersion", '"v1" is not allowed'),
        ({"apiVersion": "chatsystem.dev/v1alpha1", "kind": "Chatsystem"}, "kind", '"Chatsystem" is not allowed'),
        ({"kind": 5}, "kind", "5 is not allowed"),
        ({"kind": "ChatSystem", "metadata": {}}, "metadata.name", "is required"),
        ({"metadata": {"name": "Acme"}}, "metadata.name", "'Acme' is not a name of a system"),
        ({"metadata": {"name": "a" * 41}}, "metadata.name", "it has 41 characters"),
        ({"metadata": {"name": "-a"}}, "metadata.name", "is not a name of a system"),
        ({"metadata": {"name": "a\n"}}, "metadata.name", "is not a name of a system"),
        ({"metadata": {"name": "../up"}}, "metadata.name", "is not a name of a system"),
    ],
)
def test_a_wrong_frame_is_named(document: object, path: str, message: str) -> None:
    assert message in problems(document)[path].message


def test_every_mistake_is_told_at_once_and_rules_between_fields_too(system: System) -> None:
    document = system(
        version=1.10,
        expossure={},
        services={"gateway": {"replicas": -1, "resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}},
        stores={"mysql": {"managed": {"storage": "x"}, "external": {"endpoints": ["a:1"]}}, "redis": {}},
        exposure={"http": 1, "websocket": 1, "type": "Cluster"},
    )
    assert set(problems(document)) == {
        "spec.version",
        "spec.expossure",
        "spec.services.gateway.replicas",
        "spec.services.gateway.resources.requests.cpu",
        "spec.stores.mysql.managed.storage",
        "spec.stores.mysql",
        "spec.stores.redis",
        "spec.exposure.websocket",
        "spec.exposure.type",
    }


def test_a_rule_is_not_asked_about_fields_that_are_wrong_themselves(system: System) -> None:
    assert set(problems(system(exposure={"http": "9000", "websocket": 9000}))) == {"spec.exposure.http"}


def test_a_flood_of_mistakes_is_cut_short_and_counted(system: System) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(system(**{f"field{n}": n for n in range(5000)}))
    assert len(caught.value.problems) == SHOWN
    assert caught.value.more == 5000 - SHOWN
    assert str(caught.value).splitlines()[-1] == f"and {5000 - SHOWN} more"


def test_what_is_shown_of_a_value_is_short_and_on_one_line(system: System) -> None:
    document = system(deletionPolicy="line\nbreak \x1b[31m" + "x" * 10_000, **{"ke\ny\x1b": 1})
    with pytest.raises(InvalidDocument) as caught:
        parse(document)
    for line in str(caught.value).split("\n"):
        assert line.isprintable()
        assert len(line) < 600
    assert len(str(caught.value).split("\n")) == 2


def test_a_refused_document_is_left_as_it_was(system: System) -> None:
    document = system(services={"gateway": {"replicas": -1}})
    before = copy.deepcopy(document)
    problems(document)
    assert document == before


def test_what_an_api_server_adds_is_accepted(system: System) -> None:
    document = system()
    document["metadata"] |= {
        "namespace": "chat",
        "uid": "6c1d",
        "generation": 3,
        "resourceVersion": "77",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
    }
    document["status"] = {"observedGeneration": 3, "conditions": []}
    assert dump(parse(document)) == document


def test_only_a_chat_system_is_accepted_where_one_is_needed() -> None:
    backup = {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystemBackup",
        "metadata": {"name": "b"},
        "spec": {"system": "acme"},
    }
    assert parse(backup).kind == "ChatSystemBackup"
    with pytest.raises(InvalidDocument, match="ChatSystemBackup cannot be used here"):
        parse_system(backup)


def test_a_whole_number_is_a_quantity_too(system: System) -> None:
    parsed = parse_system(system(services={"gateway": {"resources": {"limits": {"cpu": 2, "memory": 1073741824}}}}))
    limits = parsed.spec.services.gateway.resources.limits
    assert (limits.cpu, limits.memory) == ("2", "1073741824")
