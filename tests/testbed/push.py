"""A push bus that stays in the process: for services under test whose only gateway is beside them, or none."""

from __future__ import annotations

from collections.abc import Callable

from services.protocol.gateway_pb2 import DeliveryBatch
from services.runtime.push import PushTally


class LocalPushBus:
    """See services.runtime.push.PushBus."""

    def __init__(self) -> None:
        self._deliver: Callable[[DeliveryBatch], None] | None = None
        self.tally = PushTally()

    def attach(self, deliver: Callable[[DeliveryBatch], None]) -> None:
        self._deliver = deliver

    async def start(self) -> None:
        return None

    async def publish(self, batch: DeliveryBatch) -> None:
        self.tally.batches += 1
        if self._deliver is not None:
            self._deliver(batch)

    async def online(self, user_id: str) -> None:
        return None

    async def offline(self, user_id: str) -> None:
        return None

    async def close(self) -> None:
        self._deliver = None
