"""What the platform says of objects that get nowhere and do not say why themselves: its newest warning event of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from controller.engine.ports import TargetError
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.kinds import CLAIM, EVENT, JOB, STATEFUL_SET, Object, kind_of

FRESH = 10.0
"""Seconds between two looks at the events of one object."""


class Warnings:
    """Looks only at what is stuck, and seldom: the API server need not keep events at all."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, tuple[float, str]] = {}

    async def about(self, items: Iterable[Object]) -> Mapping[str, str]:
        """uid -> words."""
        stuck = {item["metadata"]["uid"]: item for item in items if is_stuck(item)}
        self._known = {uid: known for uid, known in self._known.items() if uid in stuck}
        for uid, item in stuck.items():
            at, _ = self._known.get(uid, (0.0, ""))
            if time.monotonic() - at > FRESH:
                self._known[uid] = (time.monotonic(), await self._ask(item))
        return {uid: words for uid, (_, words) in self._known.items() if words}

    async def _ask(self, item: Object) -> str:
        metadata = item["metadata"]
        fields = f"regarding.uid={metadata['uid']},type=Warning"
        try:
            events, _ = await self._client.list(EVENT, metadata["namespace"], fields=fields)
        except TargetError:
            return ""  # It was only to explain; the state itself is known.
        newest = max(events, key=lambda event: event["metadata"]["creationTimestamp"], default=None)
        return " ".join(str(newest.get("note") or "").split()) if newest else ""


def is_stuck(item: Object) -> bool:
    """Whether something that ought to have come of it has not, and its own status has no place for the reason."""
    status: Mapping[str, Any] = item.get("status", {})
    kind = kind_of(item)
    if kind == STATEFUL_SET:
        return int(status.get("replicas") or 0) < int(item.get("spec", {}).get("replicas", 1))
    if kind == JOB:
        return not status.get("active") and not status.get("conditions")
    return kind == CLAIM and status.get("phase") == "Pending"
