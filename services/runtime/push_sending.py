"""How batches leave a process: by one task, in the order in which they came, those that wait together as one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.protocol.gateway_pb2 import DeliveryBatch
from services.runtime.push import PushTally
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

BACKLOG = 10_000
"""Batches that may wait for the cache; a further one is dropped, as pushes are hints."""


class Sending:
    """`send` brings batches to other processes and raises StoreError while the cache is away."""

    def __init__(self, send: Callable[[list[DeliveryBatch]], Awaitable[None]], tally: PushTally) -> None:
        self._send = send
        self._tally = tally
        self._waiting: list[tuple[DeliveryBatch, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return self._task is None

    async def hand_over(self, batch: DeliveryBatch) -> None:
        """Returns when it was sent, or could not be."""
        if len(self._waiting) >= BACKLOG:
            self._tally.dropped_backlog += 1
            log.warning("push dropped: %d batches wait for the cache", len(self._waiting))
            return
        sent = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, sent))
        self._tally.waiting = len(self._waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="push-send")
        await sent

    async def finish(self) -> None:
        """Waits for what is under way."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                self._tally.waiting = 0
                try:
                    await self._send([batch for batch, _ in waiting])
                except StoreError as error:
                    self._tally.dropped_cache += len(waiting)
                    log.warning("push to other replicas dropped: %s", error)
                except Exception:
                    log.exception("push to other replicas failed")
                for _, sent in waiting:
                    if not sent.done():
                        sent.set_result(None)
        finally:
            self._task = None
