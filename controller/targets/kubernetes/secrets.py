"""The generated secrets of a system: which Secret object holds each now, and the next one to make. Pure; values are never
shown, and leave only in the manifest of a Secret.

A Secret is immutable and named by its content. A change is a new object; the old one stays while anything refers to it.
"""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.api.metadata import GROUP
from controller.blueprint.workload import Secret
from controller.targets.kubernetes.inventory import is_leaving, labels_of
from controller.targets.kubernetes.kinds import JOB, POD, RUNNING, SECRET, Object, kind_of
from controller.targets.kubernetes.render import names

NAME = f"{GROUP}/secret"
"""Label: the name of the secret in the blueprint."""


def existing(items: Iterable[Object]) -> dict[str, tuple[str, ...]]:
    """Secret name -> the keys that the newest object of it has."""
    return {name: tuple(sorted(item.get("data") or {})) for name, item in _newest(items).items()}


def objects(items: Iterable[Object]) -> dict[str, str]:
    """Secret name -> the name of the object that holds it now."""
    return {name: item["metadata"]["name"] for name, item in _newest(items).items()}


def successor(system: str, namespace: str, secret: Secret, items: Iterable[Object]) -> dict[str, Any]:
    """The manifest of a Secret with all keys: values that exist are kept, the others are made."""
    known = _newest(items).get(secret.name)
    data = dict(known.get("data") or {}) if known is not None else {}
    for key in secret.keys:
        data.setdefault(key, base64.b64encode(_value(key).encode()).decode())
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.joined(system, secret.name, names.digest_of(data)[:10]),
            "namespace": namespace,
            "labels": {**names.labels(system), NAME: names.label_value(secret.name)},
        },
        "type": "Opaque",
        "immutable": True,
        "data": data,
    }


def superseded(items: Iterable[Object]) -> list[Object]:
    """The objects that hold an older form of a secret and that nothing refers to."""
    every = list(items)
    current = {item["metadata"]["name"] for item in _newest(every).values()}
    used = {name for item in every for name in _references(item)}
    return [
        item
        for item in every
        if kind_of(item) == SECRET and labels_of(item).get(NAME) and item["metadata"]["name"] not in current | used
    ]


def _newest(items: Iterable[Object]) -> dict[str, Object]:
    found: dict[str, Object] = {}
    for item in sorted((item for item in items if kind_of(item) == SECRET and not is_leaving(item)), key=_age):
        if name := labels_of(item).get(NAME):
            found[name] = item
    return found


def _age(item: Object) -> tuple[str, int, str]:
    """Of two made in the same second the one with more keys is the newer."""
    metadata = item["metadata"]
    return metadata.get("creationTimestamp", ""), len(item.get("data") or {}), metadata["name"]


def _value(key: str) -> str:
    """Names of users are short and plain, because a database allows no more."""
    return f"chat_{random.token_hex(5)}" if key == "username" else random.token_urlsafe(32)


def _references(item: Object) -> Iterator[str]:
    """The Secrets that a pod, or what makes pods, mounts."""
    kind = kind_of(item)
    if kind == POD:
        spec: Mapping[str, Any] = item.get("spec", {})
    elif kind in RUNNING or kind == JOB:
        spec = item.get("spec", {}).get("template", {}).get("spec", {})
    else:
        return
    for volume in spec.get("volumes") or ():
        if secret := volume.get("secret"):
            yield secret.get("secretName", "")
