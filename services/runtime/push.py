"""Pushing to connected clients, wherever their connections are.

A service hands a DeliveryBatch to the bus; the bus brings each delivery to the gateway replicas that hold connections of
the named users, and to no others. A push is a hint: history by sequence is the truth, so nothing here is retried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.protocol.gateway_pb2 import DeliveryBatch


def session_key(token: str) -> str:
    """The public name of a login session: the SHA-256 of its token in hex. Safe in logs, keys and between services."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class PushTally:
    """What a bus has done since the start. Plain numbers: this is the way of every message."""

    batches: int = 0
    """Batches handed to the bus."""
    waiting: int = 0
    """Of these, those that wait for the cache."""
    remote: int = 0
    """Batches sent to another replica."""
    received: int = 0
    """Batches that came from another replica."""
    dropped_backlog: int = 0
    dropped_cache: int = 0
    """Batches that other replicas did not get: too many waited, or the cache was away."""


class PushBus(Protocol):
    """`publish` may be called from any service; only gateways attach."""

    tally: PushTally

    async def publish(self, batch: DeliveryBatch) -> None:
        """Returns when the batch was handed on; never raises for a bus that is away. Batches keep their order."""
        ...

    def attach(self, deliver: Callable[[DeliveryBatch], None]) -> None:
        """Sets the function that brings a batch to this process's connections. Called once, by the gateway."""
        ...

    async def start(self) -> None:
        """Begins to receive for the attached function."""
        ...

    async def online(self, user_id: str) -> None:
        """The first connection of a user arrived in this process. Returns when pushes from elsewhere reach it."""
        ...

    async def offline(self, user_id: str) -> None:
        """The last connection of a user left this process."""
        ...

    async def close(self) -> None:
        """Stops receiving and takes this process's users off the list. May be called more than once."""
        ...
