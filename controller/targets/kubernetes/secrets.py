"""The generated secrets of a system: which Secret object holds each now, and the next one to make. Pure, but for chance; values
are never shown, and leave only in the manifest of a Secret.

A Secret is immutable and named by its content. A change is a new object; the old one stays while anything refers to it.
"""

from __future__ import annotations

import base64
import contextlib
import secrets as random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.api.metadata import GROUP
from controller.blueprint.workload import AUTHORITY_KEY, Secret
from controller.engine.authority import DamagedAuthority, changed, read_authority
from controller.engine.certificates import CertificateState, due
from controller.targets.kubernetes.inventory import annotations_of, is_leaving, labels_of
from controller.targets.kubernetes.kinds import JOB, POD, RUNNING, SECRET, Object, kind_of
from controller.targets.kubernetes.render import names

NAME = f"{GROUP}/secret"
"""Label: the name of the secret in the blueprint."""
SERIAL = f"{GROUP}/serial"
"""Annotation: counts the objects that held one secret after another. The last one counts."""


def existing(items: Iterable[Object]) -> dict[str, tuple[str, ...]]:
    """Secret name -> the keys that the newest object of it has."""
    return {name: tuple(sorted(item.get("data") or {})) for name, item in _newest(items).items()}


def objects(items: Iterable[Object]) -> dict[str, str]:
    """Secret name -> the name of the object that holds it now."""
    return {name: item["metadata"]["name"] for name, item in _newest(items).items()}


def certificates(items: Iterable[Object], declared: Iterable[Secret]) -> dict[str, CertificateState]:
    """Secret name -> the certificate in it, of those that have one that can be read."""
    newest = _newest(items)
    found = {}
    for secret in declared:
        with contextlib.suppress(DamagedAuthority, KeyError):
            if secret.certificate is not None:
                authority = read_authority(_decoded(newest[secret.authority])[AUTHORITY_KEY])
                found[secret.name] = authority.state(_decoded(newest[secret.name]) if secret.name in newest else {})
    return found


def successors(
    system: str, namespace: str, secret: Secret, items: Iterable[Object], now: float
) -> list[dict[str, Any]]:
    """The manifests of the Secrets to make, in this order: with all keys, of which those that exist keep their values. Of a
    certificate, what its authority does next, and what processes read then. `now` in Unix seconds."""
    newest = _newest(items)
    known = newest.get(secret.name)
    if secret.certificate is None:
        data = _decoded(known) if known is not None else {}
        fresh = {key: _value(key).encode() for key in secret.keys if key not in data}
        return [_manifest(system, namespace, secret.name, {**data, **fresh}, known)]
    authority = state = None
    kept = newest.get(secret.authority)
    with contextlib.suppress(DamagedAuthority, KeyError):
        if kept is not None:
            authority = read_authority(_decoded(kept)[AUTHORITY_KEY])
            state = authority.state(_decoded(known) if known is not None else {})
    change = due(secret.certificate, state, now, settled=True)
    if change is None:
        return []
    authority = changed(authority, change, secret.certificate, now)
    return [
        _manifest(system, namespace, secret.authority, {AUTHORITY_KEY: authority.document()}, kept),
        _manifest(system, namespace, secret.name, authority.published(), known),
    ]


def _manifest(
    system: str, namespace: str, name: str, values: Mapping[str, bytes], before: Object | None
) -> dict[str, Any]:
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.joined(system, name, names.digest_of(data)[:10]),
            "namespace": namespace,
            "labels": {**names.labels(system), NAME: names.label_value(name)},
            "annotations": {SERIAL: str(_serial(before) + 1 if before is not None else 1)},
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


def _age(item: Object) -> tuple[int, str]:
    return _serial(item), item["metadata"]["name"]


def _serial(item: Object) -> int:
    text = annotations_of(item).get(SERIAL, "")
    return int(text) if text.isdecimal() else 0


def _decoded(item: Object) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (item.get("data") or {}).items()}


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
