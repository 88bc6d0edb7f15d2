"""What is made of a declaration is made once, and anew as soon as anything that it comes from differs."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from controller.engine.ports import InvalidDeclaration
from controller.targets.kubernetes.made import Made
from controller.targets.kubernetes.render.build import render
from controller.targets.kubernetes.render.surroundings import Surroundings

PLACE = ("chat", "acme")
AROUND = Surroundings(namespace="chat")


def document(version: str = "1.2.0", name: str = "acme") -> dict[str, Any]:
    return {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": name, "namespace": "chat"},
        "spec": {"version": version},
    }


def test_an_equal_declaration_in_equal_surroundings_is_made_once() -> None:
    made = Made()
    first = made.blueprint(document())
    assert made.blueprint(copy.deepcopy(document())) is first
    rendering = made.rendering(PLACE, first, AROUND)
    assert made.rendering(PLACE, first, replace(AROUND)) is rendering
    assert rendering == render(first.declaration, first, AROUND)


def test_a_change_of_the_declaration_or_around_it_is_seen() -> None:
    made = Made()
    before, after = made.blueprint(document()), made.blueprint(document("1.3.0"))
    assert (before.workloads[-1].version, after.workloads[-1].version) == ("1.2.0", "1.3.0")
    rendering = made.rendering(PLACE, after, AROUND)
    elsewhere = replace(AROUND, owner_uid="another")
    assert made.rendering(PLACE, after, elsewhere) == render(after.declaration, after, elsewhere) != rendering
    assert made.rendering(PLACE, before, elsewhere) == render(before.declaration, before, elsewhere)


def test_systems_are_not_confused() -> None:
    made = Made()
    assert made.blueprint(document(name="other")).system == "other"
    assert made.blueprint(document()).system == "acme"


def test_an_invalid_declaration_is_refused_each_time_and_leaves_the_next_one_alone() -> None:
    made = Made()
    for _ in range(2):
        with pytest.raises(InvalidDeclaration):
            made.blueprint(document(version=""))
    assert made.blueprint(document()).system == "acme"


def test_what_is_gone_is_forgotten() -> None:
    made = Made()
    first = made.blueprint(document())
    made.forget(PLACE)
    assert made.blueprint(document()) is not first
