"""Changes that this controller does not make, and why, in words. Pure."""

from __future__ import annotations

from typing import Any

from controller.api.quantity import bytes_of
from controller.targets.kubernetes.inventory import key_of, words
from controller.targets.kubernetes.kinds import CLAIM, Object, kind_of


def loss(manifest: Object, live: Object) -> str:
    """Why the change would lose data; empty: it would not."""
    if kind_of(manifest) != CLAIM:
        return ""
    name = words(key_of(manifest))
    want, have = _size(manifest), _size(live)
    if want is not None and have is not None and bytes_of(want) < bytes_of(have):
        return (
            f"{name} has {have} and is to have {want}, but a volume cannot shrink without losing data; declare at least {have}, "
            "or move the data to a new system by backup and restore"
        )
    asked, given = manifest["spec"].get("storageClassName"), live["spec"].get("storageClassName")
    if asked is not None and asked != given:
        return (
            f"{name} is of the storage class {given} and is to be of {asked}, but a volume keeps its class; declare {given}, or "
            "move the data to a new system by backup and restore"
        )
    return ""


def taken(item: Object, whose: str) -> str:
    """A name that someone else's object has."""
    return (
        f"the name of {words(key_of(item))} in the namespace {item['metadata']['namespace']} is taken: {whose}, so it is not "
        "touched; remove or rename it, or rename the system"
    )


def _size(claim: Object) -> Any:
    return claim["spec"].get("resources", {}).get("requests", {}).get("storage")
