"""What rendering gives back: manifests in groups, in the order in which they are applied. Pure data.

Manifests are canonical: each value is written exactly as an API server gives it back, and what it would leave out (empty lists and
maps, false, 0 and "" where a field may be omitted) is left out. So "what lives contains what is desired" is a plain recursive
comparison. Fields with a default are written out where somebody's edit has to be noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

FOUNDATION = "foundation"
EDGE = "edge"


@dataclass(frozen=True)
class Group:
    """Manifests that are applied together, in this order. `name` is that of a workload, or FOUNDATION or EDGE."""

    name: str
    manifests: tuple[Manifest, ...]


@dataclass(frozen=True)
class Rendering:
    """Everything that is to exist in a cluster for one system."""

    groups: tuple[Group, ...]

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All of them, in order."""
        return tuple(manifest for group in self.groups for manifest in group.manifests)

    def group(self, name: str) -> Group | None:
        return next((group for group in self.groups if group.name == name), None)


def given(fields: Mapping[str, Any]) -> Manifest:
    """The fields that hold something: without None, "" and empty lists and maps."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}
