"""What stands for a store that no service of this process has."""

from __future__ import annotations

from typing import Any


class Absent:
    """Whatever is asked of it is a mistake in the program: a service uses a store that the catalogue does not give it."""

    def __init__(self, store: str) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no service of this process has the store {self._store} (services/catalogue.py)")


def absent(store: str) -> Any:
    """In place of an adapter of any port. `store` as in the catalogue."""
    return Absent(store)
