"""The ChatSystem objects as last heard of, fed by kopf's events, by listings and by our own writes. No input or output."""

from __future__ import annotations

from collections.abc import Iterable

from controller.targets.kubernetes.cache import System, is_newer, later
from controller.targets.kubernetes.changes import Changes
from controller.targets.kubernetes.kinds import Object


class Systems:
    """`changes` is told of each that is new, different or gone, but not of a change that only concerns its status."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self._known: dict[System, Object] = {}

    def get(self, system: System) -> Object | None:
        return self._known.get(system)

    def put(self, item: Object) -> None:
        system = _place(item)
        known = self._known.get(system)
        if known is not None and not is_newer(item, known):
            return
        self._known[system] = item
        if known is None or _matters(known) != _matters(item):
            self.changes.tell(system)

    def drop(self, item: Object) -> None:
        system = _place(item)
        known = self._known.get(system)
        if known is not None and known["metadata"].get("uid") == item["metadata"].get("uid"):
            del self._known[system]
            self.changes.tell(system)

    def listed(self, namespace: str | None, items: Iterable[Object], version: str) -> None:
        """What a list has found: kopf tells nothing of what was deleted while its watch was interrupted."""
        found = {_place(item): item for item in items}
        for system, known in list(self._known.items()):
            gone = namespace in (None, system[0]) and system not in found
            if gone and not later(known["metadata"].get("resourceVersion"), version):
                self.drop(known)
        for item in found.values():
            self.put(item)


def _matters(item: Object) -> tuple[object, ...]:
    metadata = item["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("deletionTimestamp"),
        metadata.get("annotations"),
        metadata.get("labels"),
        metadata.get("finalizers"),
    )


def _place(item: Object) -> System:
    return item["metadata"]["namespace"], item["metadata"]["name"]
