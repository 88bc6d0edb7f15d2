"""How batches leave a process: by one task, in the order in which they came, those that wait together as one.

Whoever hands one over waits until it was sent, so that a cache that is behind slows the senders down. But a cache that hangs
stops nobody: a push is a hint, and what it tells of is stored already.
"""

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

MOST_BYTES = 64 * 2**20
"""Of the batches that wait: with pictures and files in them a few hundred could fill the memory."""

PATIENCE = 0.5
"""Seconds for which anybody waits for the cache. When it takes longer, nobody waits any more until it answers, or fails."""


class Sending:
    """`send` brings batches to other processes and raises StoreError while the cache is away. `patience` in seconds."""

    def __init__(
        self,
        send: Callable[[list[DeliveryBatch]], Awaitable[None]],
        tally: PushTally,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._send = send
        self._tally = tally
        self._patience = patience
        self._hanging = False
        self._under_way: list[tuple[DeliveryBatch, asyncio.Future[None]]] = []
        self._waiting: list[tuple[DeliveryBatch, asyncio.Future[None]]] = []
        self._size = 0
        """Bytes of what waits."""
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return self._task is None

    async def hand_over(self, batch: DeliveryBatch) -> None:
        """Returns when it was sent, or could not be, or the cache hangs."""
        size = batch.ByteSize()
        if self._waiting and (len(self._waiting) >= BACKLOG or self._size + size > MOST_BYTES):
            self._tally.dropped_backlog += 1
            log.warning("push dropped: %d batches wait for the cache", len(self._waiting))
            return
        sent = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, sent))
        self._size += size
        self._tally.waiting = len(self._waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="push-send")
        if not self._hanging:
            await sent

    async def finish(self) -> None:
        """Waits for what is under way."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                self._under_way, self._waiting, self._size = self._waiting, [], 0
                self._tally.waiting = 0
                impatient = loop.call_later(self._patience, self._hangs)
                try:
                    await self._send([batch for batch, _ in self._under_way])
                    self._hanging = False
                except StoreError as error:
                    self._tally.dropped_cache += len(self._under_way)
                    log.warning("push to other replicas dropped: %s", error)
                except Exception:
                    log.exception("push to other replicas failed")
                finally:
                    impatient.cancel()
                _release(self._under_way)
                self._under_way = []
        finally:
            self._task = None

    def _hangs(self) -> None:
        if not self._hanging:
            log.warning("the cache does not answer: nobody waits for pushes to other replicas until it does")
        self._hanging = True
        _release(self._under_way)
        _release(self._waiting)


def _release(entries: list[tuple[DeliveryBatch, asyncio.Future[None]]]) -> None:
    for _, sent in entries:
        if not sent.done():
            sent.set_result(None)
