"""How objects say what they belong to: labels for people and selectors, annotations for the controller. Pure.

https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from controller.api.metadata import GROUP
from controller.targets.kubernetes.kinds import Manifest, Object
from controller.targets.kubernetes.render.names import APPLICATION, MANAGER

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
SELECTOR = f"{MANAGED_BY}={MANAGER}"
"""Of everything that this controller made."""
POD_SELECTOR = f"app.kubernetes.io/name={APPLICATION}"
"""Of the pods, which the platform makes from what we made."""

APPLIED = f"{GROUP}/applied"
"""Annotation: digest of the manifest that was applied."""
PART = f"{GROUP}/group"
"""Annotation: the group that the object is part of."""
ORDER = f"{GROUP}/order"
"""Annotation: the place of that group, for the time when no declaration tells it any more."""

Key = tuple[str, str]
"""Kind and name."""


def key_of(item: Object) -> Key:
    return item["kind"], item["metadata"]["name"]


def words(key: Key) -> str:
    return " ".join(key)


def labels_of(item: Object) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}


def annotations_of(item: Object) -> Mapping[str, str]:
    return item["metadata"].get("annotations") or {}


def is_ours(item: Object, system: str) -> bool:
    """Whether this controller made the object for the system of that name in the object's namespace."""
    labels = labels_of(item)
    return labels.get(MANAGED_BY) == MANAGER and labels.get(INSTANCE) == system


def stamped(manifest: Manifest, group: str, order: int, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The manifest as it is sent. `more` annotations are no part of what is compared."""
    metadata = dict(manifest["metadata"])
    stamps = {APPLIED: fingerprint(manifest), PART: group, ORDER: str(order), **(more or {})}
    metadata["annotations"] = {**metadata.get("annotations", {}), **stamps}
    return {**manifest, "metadata": metadata}


def fingerprint(manifest: Manifest) -> str:
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def part_of(item: Object) -> tuple[str, int]:
    """The group of a live object and its order; of one without annotations, which someone must have taken, its component."""
    found = annotations_of(item)
    order = found.get(ORDER, "")
    return found.get(PART) or labels_of(item).get(COMPONENT, ""), int(order) if order.isdecimal() else 0


def is_leaving(item: Object) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))
