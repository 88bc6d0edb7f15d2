"""Names and labels, within the limits of Kubernetes. Pure.

Recommended labels: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

LONGEST = 63
"""A DNS label: names of Services, and values of labels that hold names (RFC 1123)."""
LONGEST_STATEFUL_SET = 52
"""The name of a StatefulSet and a hash of 10 become the value of a label of its pods."""

APPLICATION = "chatsystem"
MANAGER = "chatsystem-controller"
PREFIX = "chatsystem.dev"
ERRAND = f"{PREFIX}/errand"
"""Label of the pods of errands (errand.py)."""


def joined(*parts: str, longest: int = LONGEST) -> str:
    """The parts with dashes between them. What would be too long is cut and ends in a hash of the whole."""
    name = "-".join(parts)
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9].rstrip('-.')}-{digest_of(name)[:8]}"


def label_name(text: str) -> str:
    """A DNS label made from any name of an object, which may have dots and more characters."""
    return joined(text) if "." not in text else joined(text.replace(".", "-"), digest_of(text)[:8])


def label_value(text: str) -> str:
    """The text as the value of a label: at most 63 of A-Z, a-z, 0-9, '-', '_' and '.', not at its ends."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:LONGEST].strip("-_.")


def digest_of(content: Any) -> str:
    """Hexadecimal digits that another content does not have."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def selector(system: str, component: str | None = None) -> dict[str, str]:
    """The labels that never change: what selects the pods of a system, or of one of its components."""
    labels = {"app.kubernetes.io/name": APPLICATION, "app.kubernetes.io/instance": system}
    return labels | ({"app.kubernetes.io/component": component} if component else {})


def labels(system: str, component: str | None = None, version: str = "") -> dict[str, str]:
    """Every label of an object."""
    extra = {"app.kubernetes.io/managed-by": MANAGER, "app.kubernetes.io/part-of": APPLICATION}
    value = label_value(version)
    return selector(system, component) | extra | ({"app.kubernetes.io/version": value} if value else {})
