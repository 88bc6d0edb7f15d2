"""What checks of the external stores say, and what follows from it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from controller.blueprint.workload import Blueprint, External, Workload
from controller.engine.model import Finding, Severity, StoreHealth
from controller.engine.reasons import Reason

TRANSIENT = frozenset({Reason.STORE_UNREACHABLE, Reason.STORE_READ_ONLY, Reason.STORE_UNHEALTHY})
"""Errors that may pass without anybody changing the declaration: the store is restarted, or another one takes over."""


def obstacle(workload: Workload, stores: Sequence[StoreHealth]) -> str:
    """Why no instance of the workload may be started on its external stores, or nothing. A check that cannot be carried out
    is no obstacle: the services judge for themselves then."""
    for store in stores:
        if store.name not in workload.external:
            continue
        if store.error is not None:
            return store.error.sentence
        if not store.checked and not store.failure:
            return f"the first check of {store.path}"
    return ""


def unchecked(blueprint: Blueprint, failure: str = "") -> tuple[StoreHealth, ...]:
    return tuple(StoreHealth(store.name, store.path, checked=False, failure=failure) for store in blueprint.external)


def lacking(store: External, secrets: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The secrets of the store that are not complete, with the keys that they lack. `secrets`: the keys that exist."""
    missing: dict[str, tuple[str, ...]] = {}
    for name, key in store.secrets.values():
        if key not in secrets.get(name, ()):
            missing[name] = (*missing.get(name, ()), key)
    return missing


def without_secret(store: External, name: str, keys: Sequence[str], remedy: str) -> Finding:
    some = "key" if len(keys) == 1 else "keys"
    text = f"the secret {name} lacks the {some} {' and '.join(keys)}"
    path = ".".join(filter(None, (store.path, store.secret_fields.get(name))))
    return Finding(Severity.ERROR, Reason.SECRET_MISSING, path, text, remedy)


def read(printed: str) -> dict[str, StoreHealth]:
    """What the check printed: a line of JSON for each store. Other lines are passed over, since on some platforms the log of a
    job is in the same stream."""
    found = {}
    for line in printed.splitlines():
        try:
            health = _health(json.loads(line))
        except (ValueError, KeyError, TypeError):
            continue
        found[health.name] = health
    return found


def _health(line: Mapping[str, Any]) -> StoreHealth:
    findings = tuple(
        Finding(Severity(item["severity"]), str(item["reason"]), str(item["path"]), item["message"], item["remedy"])
        for item in line["findings"]
    )
    return StoreHealth(
        name=str(line["store"]),
        path=str(line["path"]),
        server=str(line["server"]),
        address=str(line["address"]),
        note=str(line.get("note", "")),
        checked=not line.get("failure"),
        failure=str(line.get("failure", "")),
        findings=tuple(sorted(findings, key=lambda item: item.severity is not Severity.ERROR)),
    )
