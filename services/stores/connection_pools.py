"""The seam through which a database adapter with pools of connections tells of them: how many are busy, what waits, how long it
waited, and what had to be begun again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

DEADLOCK, CONNECTION = "deadlock", "connection"
"""Why a transaction is begun again: the server undid it in favour of another one, or the connection was lost."""


@dataclass(frozen=True)
class PoolState:
    """One pool now."""

    name: str
    connections: int
    """At most."""
    in_use: int
    waiting: int
    """Works that no connection has taken yet."""


class PoolObserver(Protocol):
    def waited(self, pool: str, seconds: float) -> None:
        """A connection took a work, `seconds` after it was handed in. Called on the event loop, when the work is done."""
        ...

    def repeated(self, pool: str, reason: str) -> None:
        """A transaction is begun again. Called in any thread."""
        ...


@runtime_checkable
class ConnectionPools(Protocol):
    """A Database with pools of connections."""

    def pools(self) -> Sequence[PoolState]: ...

    def observe_pools(self, observer: PoolObserver) -> None:
        """From now on. May be called for several observers."""
        ...
