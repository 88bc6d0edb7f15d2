"""What was made of each declaration, kept until it or its surroundings change: a pass that finds nothing new makes nothing anew.

Making is pure, so a result may stand for the next one; it must not be changed by whoever gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from controller.api.chatsystem import ChatSystem
from controller.api.problem import InvalidDocument
from controller.api.validate import parse_system
from controller.blueprint.workload import Blueprint
from controller.engine.ports import InvalidDeclaration
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.cache import System
from controller.targets.kubernetes.render.build import render
from controller.targets.kubernetes.render.manifest import Rendering
from controller.targets.kubernetes.render.surroundings import Surroundings


class Made:
    """The latest of each system."""

    def __init__(self) -> None:
        self._declared: dict[System, tuple[Mapping[str, Any], ChatSystem]] = {}
        self._blueprints: dict[System, tuple[ChatSystem, Blueprint]] = {}
        self._renderings: dict[System, tuple[Blueprint, Surroundings, Rendering]] = {}

    def system(self, document: Mapping[str, Any]) -> ChatSystem:
        """Raises InvalidDeclaration."""
        place = _place(document)
        known = self._declared.get(place)
        if known is None or known[0] != document:
            known = document, _parsed(document)
            self._declared[place] = known
        return known[1]

    def blueprint(self, document: Mapping[str, Any]) -> Blueprint:
        """With the declaration in it. Raises InvalidDeclaration."""
        place, system = _place(document), self.system(document)
        known = self._blueprints.get(place)
        if known is None or known[0] is not system:
            known = system, replace(blueprint_of(system), declaration=system)
            self._blueprints[place] = known
        return known[1]

    def rendering(self, place: System, blueprint: Blueprint, surroundings: Surroundings) -> Rendering:
        """Of a blueprint that has its declaration."""
        known = self._renderings.get(place)
        if known is None or known[0] is not blueprint or known[1] != surroundings:
            if blueprint.declaration is None:
                raise ValueError("a blueprint that was made from nothing has nothing to render")
            known = blueprint, surroundings, render(blueprint.declaration, blueprint, surroundings)
            self._renderings[place] = known
        return known[2]

    def forget(self, place: System) -> None:
        for known in (self._declared, self._blueprints, self._renderings):
            known.pop(place, None)


def _place(document: Mapping[str, Any]) -> System:
    """As far as a document has one: it may not be valid."""
    metadata = document.get("metadata")
    found = metadata if isinstance(metadata, Mapping) else {}
    return str(found.get("namespace", "")), str(found.get("name", ""))


def _parsed(document: Mapping[str, Any]) -> ChatSystem:
    try:
        return parse_system(document)
    except InvalidDocument as error:
        raise InvalidDeclaration(list(error.lines())) from error
