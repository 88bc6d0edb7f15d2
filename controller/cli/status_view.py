"""Reads the status that the loop writes. Pure: the one place of the command line that knows its field names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.engine.ports import Stored


@dataclass(frozen=True)
class Condition:
    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    observed_generation: int | None = None


@dataclass(frozen=True)
class Component:
    name: str
    version: str
    desired: int
    ready: int
    message: str


@dataclass(frozen=True)
class View:
    """A system as a person sees it. What the loop has not written yet is empty."""

    name: str
    generation: int
    observed_generation: int
    version: str
    phase: str
    paused: bool
    deleting: bool
    last_error: str
    conditions: tuple[Condition, ...]
    components: tuple[Component, ...]
    addresses: tuple[str, ...]

    @property
    def current(self) -> bool:
        """The status speaks of the newest declaration."""
        return self.observed_generation >= self.generation

    def condition(self, type_: str) -> Condition:
        return next((item for item in self.conditions if item.type == type_), Condition(type_))

    def holds(self, type_: str) -> bool:
        return self.current and self.condition(type_).status == "True"


def view(stored: Stored) -> View:
    status = stored.status or {}
    spec = stored.document.get("spec")
    declared = spec.get("version", "") if isinstance(spec, Mapping) else ""
    return View(
        name=stored.name,
        generation=stored.generation,
        observed_generation=int(status.get("observedGeneration") or 0),
        version=str(status.get("version") or declared),
        phase=str(status.get("phase") or "No controller has looked at it yet."),
        paused=stored.paused,
        deleting=stored.deleting,
        last_error=str(status.get("lastError") or ""),
        conditions=tuple(
            Condition(
                item["type"],
                item.get("status", "Unknown"),
                item.get("reason", ""),
                item.get("message", ""),
                item.get("observedGeneration"),
            )
            for item in status.get("conditions") or ()
        ),
        components=tuple(
            Component(
                item["name"],
                item.get("version", ""),
                int(item.get("desired", 0)),
                int(item.get("ready", 0)),
                item.get("message", ""),
            )
            for item in status.get("components") or ()
        ),
        addresses=tuple(status.get("addresses") or ()),
    )


def as_json(stored: Stored, controller: int | str | None) -> dict[str, Any]:
    """One system in `-o json`; a stable form."""
    return {
        "name": stored.name,
        "generation": stored.generation,
        "paused": stored.paused,
        "deleting": stored.deleting,
        "controller": controller,
        "document": dict(stored.document),
        "status": dict(stored.status or {}),
    }


def changes(before: View | None, after: View) -> Sequence[str]:
    """What a person who watches line by line is told next; parts that share a process are told of together."""
    known = {component.name: component for component in before.components} if before else {}
    news: dict[str, list[str]] = {}
    for part in after.components:
        if known.get(part.name) != part:
            text = f"{part.ready}/{part.desired}" + (f": {part.message}" if part.message else "")
            news.setdefault(text, []).append(part.name)
    lines = [f"{', '.join(names)} {text}" for text, names in news.items()]
    if before is None or before.phase != after.phase:
        lines.append(after.phase)
    return lines
