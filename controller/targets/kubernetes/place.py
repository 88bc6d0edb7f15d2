"""How the engine calls a system: by its name where one namespace is looked after, by `namespace/name` otherwise. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from controller.targets.kubernetes.cache import System


@dataclass(frozen=True)
class Place:
    """`namespace`: the one that is meant by a name alone. None: names have their namespace with them."""

    namespace: str | None = None

    def system(self, key: str) -> System:
        namespace, slash, name = key.rpartition("/")
        return (namespace, name) if slash else (self.namespace or "default", name)

    def key(self, system: System) -> str:
        return system[1] if system[0] == self.namespace else "/".join(system)
