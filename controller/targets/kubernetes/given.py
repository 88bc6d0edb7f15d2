"""Secrets that a person provides: which keys they have, and a digest of their content. Values do not leave this module."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.blueprint.workload import Secret
from controller.targets.kubernetes.cache import System
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.kinds import SECRET, Object

FRESH = 10.0
"""Seconds for which an answer is used again. They carry no label of ours, so that no watch tells of their changes."""


@dataclass(frozen=True)
class Facts:
    keys: tuple[str, ...]
    fingerprint: str


class Given:
    """Looks them up by name, now and then."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[System, dict[str, tuple[float, Facts | None]]] = {}

    async def of(self, system: System, declared: Iterable[Secret]) -> dict[str, Facts]:
        """Those of the declared ones that exist. Raises TargetError when the API server does not say."""
        found = {}
        for secret in declared:
            if not secret.generated and (facts := await self._look(system, secret.name)) is not None:
                found[secret.name] = facts
        return found

    def forget(self, system: System) -> None:
        self._known.pop(system, None)

    async def _look(self, system: System, name: str) -> Facts | None:
        known = self._known.setdefault(system, {})
        at, facts = known.get(name, (0.0, None))
        if facts is None or self._clock() - at > FRESH:
            live = await self._client.get(SECRET, system[0], name)
            facts = _facts(live) if live is not None else None
            known[name] = (self._clock(), facts)
        return facts


def remedy(system: System, name: str, keys: Iterable[str]) -> str:
    """How a person gives a secret these keys: the end of a sentence."""
    values = " ".join(f"--from-file={key}=FILE" for key in keys)
    return f"make it with: kubectl --namespace {system[0]} create secret generic {name} {values}"


def _facts(live: Object) -> Facts:
    data = live.get("data") or {}
    text = json.dumps(data, sort_keys=True)
    return Facts(tuple(sorted(data)), hashlib.sha256(text.encode()).hexdigest()[:16])
