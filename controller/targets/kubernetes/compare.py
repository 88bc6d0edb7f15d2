"""Whether a live object is as desired: it has every field that we decide, with our value. Pure.

What others add (defaults, injected sidecars, annotations of tools) is no drift. In lists that are merged by a key the entries
are found by it and others may stand beside them; any other list is ours as a whole
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "secrets": ("name",),
}
_PORTS = {"spec.ports": ("port", "protocol"), "": ("containerPort", "protocol")}
_SETS = frozenset({"finalizers", "accessModes"})


def difference(desired: Any, live: Any, path: str = "") -> str:
    """The path of the first field that is not as desired; empty: none. Both are plain data; every pass asks it of some thousand fields."""
    if isinstance(desired, dict):
        if live is None and not desired:
            return ""
        if not isinstance(live, dict):
            return path or "the object"
        for key, value in desired.items():
            found = difference(value, live.get(key), f"{path}.{key}" if path else key)
            if found:
                return found
        return ""
    if isinstance(desired, (list, tuple)):
        return _list_difference(desired, live, path)
    return "" if desired == live and isinstance(desired, bool) == isinstance(live, bool) else path


def _list_difference(desired: Sequence[Any], live: Any, path: str) -> str:
    if not desired and not live:
        return ""
    if not isinstance(live, (list, tuple)):
        return path
    name = path.rpartition(".")[2]
    if name in _SETS:
        return "" if set(desired) <= set(live) else path
    keys = _keys(name, path)
    if not keys:
        if len(desired) != len(live):
            return path
        pairs = enumerate(zip(desired, live, strict=True))
        return next((found for at, (want, have) in pairs if (found := difference(want, have, f"{path}[{at}]"))), "")
    for item in desired:
        # Fields of the key that we leave to their default match any value.
        wanted = {key: item[key] for key in keys if key in item}
        match = next((other for other in live if wanted.items() <= other.items()), None)
        label = "/".join(str(value) for value in wanted.values())
        found = difference(item, match, f"{path}[{label}]") if match is not None else f"{path}[{label}]"
        if found:
            return found
    return ""


def _keys(name: str, path: str) -> tuple[str, ...]:
    if name == "ports":
        return _PORTS.get(path, _PORTS[""]) if "containers" in path.lower() or path in _PORTS else ()
    return _KEYS.get(name, ())
