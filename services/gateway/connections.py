"""The connections of this replica by user, and the bringing of deliveries to them.

Any number of connections per user. Frames for one connection that come up in one turn of the event loop are written
together at its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from services.gateway.frames import Rendering
from services.gateway.metrics import GatewayMetrics
from services.protocol.gateway_pb2 import Delivery, DeliveryBatch


class Peer(Protocol):
    """An authenticated connection. `outbox` holds the frames of this turn; None while there are none."""

    id: int
    user_id: str
    session_key: str
    speaks_frames: bool
    outbox: list[bytes] | None
    heard: float
    """When the client last gave a sign of life."""

    def flush(self) -> None:
        """Writes the outbox."""
        ...

    def revoked(self) -> None:
        """Closes: the login session is no longer valid."""
        ...

    def displaced(self) -> None:
        """Closes: another connection of the account takes its place."""
        ...


class Connections:
    """`call_soon` is that of the event loop."""

    def __init__(
        self, metrics: GatewayMetrics, call_soon: Callable[[Callable[[], None]], object] | None = None
    ) -> None:
        self._metrics = metrics
        self._call_soon = call_soon or (lambda callback: asyncio.get_running_loop().call_soon(callback))
        self._of_user: dict[str, dict[int, Peer]] = {}
        self._of_session: dict[str, dict[int, Peer]] = {}
        self._pending: list[Peer] = []

    def __len__(self) -> int:
        return sum(len(peers) for peers in self._of_user.values())

    def peers(self) -> list[Peer]:
        return [peer for peers in self._of_user.values() for peer in peers.values()]

    def add(self, peer: Peer) -> bool:
        """Enters a connection. True if it is the first one of its user."""
        peers = self._of_user.setdefault(peer.user_id, {})
        first = not peers
        peers[peer.id] = peer
        self._of_session.setdefault(peer.session_key, {})[peer.id] = peer
        if first:
            self._metrics.users.inc()
        return first

    def remove(self, peer: Peer) -> bool:
        """Takes a connection out. True if it was the last one of its user."""
        peers = self._of_user.get(peer.user_id)
        if peers is None or peers.pop(peer.id, None) is None:
            return False
        same_session = self._of_session[peer.session_key]
        del same_session[peer.id]
        if not same_session:
            del self._of_session[peer.session_key]
        if peers:
            return False
        del self._of_user[peer.user_id]
        self._metrics.users.dec()
        return True

    def others(self, peer: Peer) -> list[Peer]:
        """The other connections of the same user."""
        return [other for other in self._of_user.get(peer.user_id, {}).values() if other is not peer]

    def online(self, user_id: str) -> bool:
        return user_id in self._of_user

    def send(self, peer: Peer, frame: bytes) -> None:
        """Puts a frame into the outbox of a connection."""
        if peer.outbox is None:
            peer.outbox = [frame]
            if not self._pending:
                self._call_soon(self._flush)
            self._pending.append(peer)
        else:
            peer.outbox.append(frame)

    def deliver(self, batch: DeliveryBatch) -> None:
        """Brings a batch to the connections it is for."""
        delivered = 0
        for delivery in batch.delivery:
            delivered += self._deliver(delivery)
        if delivered:
            self._metrics.deliveries.inc(delivered)
        for key in batch.revoked_session:
            for peer in list(self._of_session.get(key, {}).values()):
                peer.revoked()
        for user_id in batch.revoked_user:
            for peer in list(self._of_user.get(user_id, {}).values()):
                peer.revoked()

    def _deliver(self, delivery: Delivery) -> int:
        of_user = self._of_user
        rendering = Rendering(delivery)
        except_session, except_connection = delivery.except_session, delivery.except_connection
        delivered = 0
        for user_id in delivery.user_id:
            peers = of_user.get(user_id)
            if peers is None:
                continue
            for peer in peers.values():
                if peer.speaks_frames:
                    frame = rendering.framed(user_id) if peer.id != except_connection else None
                else:
                    frame = rendering.plain() if peer.session_key != except_session else None
                if frame is not None:
                    self.send(peer, frame)
                    delivered += 1
        return delivered

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        self._metrics.written.inc(len(pending))
        for peer in pending:
            peer.flush()
