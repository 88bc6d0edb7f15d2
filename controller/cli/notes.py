"""What a declaration asks for that this target, or this version, does not do. Said in words; never silently ignored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_CLUSTER = "no effect on the local target"
_NODES = "no effect on Kubernetes"
_LATER = "no effect in this version"
_UNSAFE = "refused: the local target does not encrypt its ports; put a proxy with TLS in front"

LOCAL: tuple[tuple[str, str], ...] = (
    (r"spec\.image", _CLUSTER),
    (r"spec\.services\.\w+\.(resources|placement|autoscaling)", _CLUSTER),
    (r"spec\.stores\.redis\.managed\.(persistence|maxMemory)", ""),
    (r"spec\.stores\.\w+\.managed\.\w+", _CLUSTER),
    (r"spec\.exposure\.(type|edge|hostname|ingressClassName|annotations)", _CLUSTER),
    (r"spec\.exposure\.tls", _UNSAFE),
    (r"spec\.network\.tls", ""),
    (r"spec\.network", _CLUSTER),
    (r"spec\.logging\.driver", _CLUSTER),
    (r"spec\.release\.(observe|onFailure|backupFirst|window)", _LATER),
    (r"spec\.backup", _LATER),
    (r"spec\.notifications", _LATER),
)
"""Fields by pattern and what to say of them; the first pattern that fits counts, an empty text means that it works."""

KUBERNETES: tuple[tuple[str, str], ...] = (
    (r"spec\.local", _NODES),
    (r"spec\.exposure\.edge", _NODES),
    (r"spec\.network\.tls", ""),
    (r"spec\.network", _NODES),
    (r"spec\.logging\.(driver|maxSize|maxFile)", _NODES),
    (r"spec\.release\.(onFailure|backupFirst|window)", _LATER),
    (r"spec\.backup", _LATER),
    (r"spec\.notifications", _LATER),
)
"""As LOCAL. Networks and logs of containers are the cluster's own there."""

_TABLES = {"local": LOCAL, "kubernetes": KUBERNETES}


def notes(document: Mapping[str, Any], target: str = "local") -> list[str]:
    """One sentence for each group of fields, in the order of the target's table. The document is valid."""
    table = _TABLES[target]
    groups: dict[str, list[str]] = {}
    for path in _paths("spec", document.get("spec", {})):
        text = _said_of(table, path)
        if text:
            fields = groups.setdefault(text, [])
            known = next((match[0] for pattern, _ in table if (match := re.match(pattern, path))), path)
            if known not in fields:
                fields.append(known)
    return [f"{', '.join(fields)}: {text}" for text, fields in groups.items()]


def _said_of(table: Sequence[tuple[str, str]], path: str) -> str:
    return next((text for pattern, text in table if re.match(rf"{pattern}(\.|$)", path)), "")


def _paths(path: str, value: Any) -> Iterator[str]:
    """Every field that is written, by its dotted path."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _paths(f"{path}.{key}", inner)
    else:
        yield path
