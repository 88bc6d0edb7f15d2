"""What the API server has, as last heard: every object that this controller made, by the system that it belongs to.

Fed by watches and by the answers to our own writes, so that the pass after a write sees it. No input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from controller.targets.kubernetes.inventory import INSTANCE, Key, labels_of
from controller.targets.kubernetes.kinds import Kind, Object, kind_of

System = tuple[str, str]
"""Namespace and name."""


class Cache:
    """`changed` is told the system of every object that is new, different or gone."""

    def __init__(self, changed: Callable[[System], None] = lambda _: None) -> None:
        self._changed = changed
        self._systems: dict[System, dict[Key, Object]] = {}

    def of(self, system: System) -> list[Object]:
        return list(self._systems.get(system, {}).values())

    def get(self, system: System, kind: Kind, name: str) -> Object | None:
        return self._systems.get(system, {}).get((kind.name, name))

    def put(self, item: Object) -> None:
        """Keeps the object, unless a newer state of it is known."""
        system, key = _place(item)
        known = self._systems.setdefault(system, {}).get(key)
        if known is not None and not is_newer(item, known):
            return
        metadata = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
        self._systems[system][key] = {**item, "metadata": metadata}
        self._changed(system)

    def drop(self, item: Object) -> None:
        """The object is gone; of another one with its name nothing is said."""
        system, key = _place(item)
        known = self._systems.get(system, {}).get(key)
        if known is None or known["metadata"].get("uid") != item["metadata"].get("uid"):
            return
        del self._systems[system][key]
        if not self._systems[system]:
            del self._systems[system]
        self._changed(system)

    def replace(self, kind: Kind, namespace: str | None, items: Iterable[Object], version: str) -> None:
        """What a list of a namespace, or of all, has found: what is not in it is gone, if it was there before the list."""
        systems = [system for system in self._systems if namespace in (None, system[0])]
        self._replace(systems, kind, list(items), version)

    def replace_of(self, system: System, kind: Kind, items: Iterable[Object], version: str) -> None:
        """What a list of one system has found."""
        self._replace([system], kind, list(items), version)

    def _replace(self, systems: Iterable[System], kind: Kind, found: list[Object], version: str) -> None:
        names = {(_place(item)[0], item["metadata"]["name"]) for item in found}
        gone = [
            item
            for system in systems
            for item in self.of(system)
            if kind_of(item) == kind
            and (system, item["metadata"]["name"]) not in names
            and not (version and later(item["metadata"].get("resourceVersion"), version))
        ]
        for item in gone:
            self.drop(item)
        for item in found:
            self.put(item)


def _place(item: Object) -> tuple[System, Key]:
    metadata = item["metadata"]
    system = (metadata["namespace"], labels_of(item).get(INSTANCE, ""))
    return system, (item["kind"], metadata["name"])


def is_newer(item: Object, known: Object) -> bool:
    return later(item["metadata"].get("resourceVersion"), known["metadata"].get("resourceVersion"))


def later(version: str | None, other: str | None) -> bool:
    """Versions of one resource can be compared as numbers
    (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions); what cannot counts as newer."""
    if version is None or other is None or not (version.isdecimal() and other.isdecimal()):
        return True
    return int(version) > int(other)
