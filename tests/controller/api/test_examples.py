"""The examples that people copy are valid, and mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.api.chatsystem import ChatSystem
from controller.api.load import load
from controller.api.validate import dump, parse

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid(example: Path) -> None:
    resource = load(example.read_text(encoding="utf-8"))
    assert parse(dump(resource)) == resource


def test_all_shapes_have_an_example() -> None:
    assert {path.stem for path in EXAMPLES} >= {
        "minimal",
        "small-office",
        "production",
        "per-service",
        "external-stores",
    }


def test_name_and_version_are_enough() -> None:
    system = load(next(path for path in EXAMPLES if path.stem == "minimal").read_text(encoding="utf-8"))
    assert isinstance(system, ChatSystem)
    assert system.spec.services.gateway.replicas == 2
    assert system.spec.services.gateway.replicas_if_declared is None
    assert system.spec.stores.mysql.managed is not None
    assert (system.spec.exposure.http, system.spec.exposure.websocket) == (9000, 9001)
    assert system.spec.deletion_policy == "Retain"
    assert system.spec.local.processes == "Shared"
