"""From the outbox to the queue: at least once, in order of the outbox as long as one relay works alone.

Rows are deleted only after the queue confirmed them, so a crash between the two repeats them, as do several relays at work
at once; consumers are idempotent. While the queue is away the rows wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from functools import partial
from itertools import groupby

from services.stores.ports import Connection, Database, Queue, Row, StoreError
from services.transmit.outbox_metrics import RelayMetrics

logger = logging.getLogger(__name__)

BATCH = 500
"""Rows brought to the queue at once."""

GAP = 0.1
"""Seconds between two batches under load: what a hundred transactions wrote costs the queue about as much as what one wrote."""

LONGEST_PAUSE = 5.0
"""Seconds between two attempts while a store is away, at most."""


class Relay:
    """`wake` after a transaction that wrote outbox rows; every `poll` seconds it looks by itself for rows of others. The first
    rows go at once, those right after them together."""

    def __init__(
        self, database: Database, queue: Queue, metrics: RelayMetrics | None = None, *, poll: float = 1.0
    ) -> None:
        self._database = database
        self._queue = queue
        self._metrics = metrics
        self._poll = poll
        self._woken = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._woken.set()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="outbox-relay")

    async def stop(self) -> None:
        """Returns when the batch in hand is done."""
        self._stopping = True
        self._woken.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def relay_once(self) -> int:
        """Brings the oldest rows to the queue and returns how many. Raises StoreError."""
        rows = await self._database.read(_oldest)
        for topic, part in groupby(rows, key=lambda row: str(row[1])):
            events = list(part)
            await self._queue.publish(topic, [bytes(event) for _, _, event in events])
            ids = [row[0] for row in events]
            await self._database.write(partial(_delete, ids=ids), concurrent=True)
        return len(rows)

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._woken.clear()
            pause, early = self._poll, True
            try:
                relayed = await self.relay_once()
                if self._metrics is not None:
                    self._metrics.relayed.inc(relayed)
                if relayed:
                    pause, early = (0.0 if relayed == BATCH else GAP), False
                if failures:
                    logger.info("the outbox is being relayed again")
                failures = 0
            except StoreError as error:
                failures += 1
                self._failed()
                if failures == 1:
                    logger.warning("events wait in the outbox: a store is away", extra={"error": str(error)})
                pause = random.uniform(0.5, 1.0) * min(LONGEST_PAUSE, 0.25 * 2 ** min(failures, 8))  # noqa: S311
                early = False
            except Exception:
                failures += 1
                self._failed()
                logger.exception("the outbox could not be relayed")
                pause, early = LONGEST_PAUSE, False
            await self._wait(pause, early=early)

    def _failed(self) -> None:
        if self._metrics is not None:
            self._metrics.failures.inc()

    async def _wait(self, seconds: float, *, early: bool) -> None:
        """A pause that ends when the relay stops and, if `early`, when it is woken: sends cut neither a gap nor a failure short."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._stopping and loop.time() < until:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._woken.wait()
            if early:
                return
            self._woken.clear()


def _oldest(connection: Connection) -> list[Row]:
    return connection.execute("SELECT id, topic, event FROM outbox ORDER BY id LIMIT ?", [BATCH])


def _delete(connection: Connection, ids: list[int]) -> None:
    # Deleting a row that another relay deleted is no error.
    for part in _chunks(ids):
        connection.change(f"DELETE FROM outbox WHERE id IN ({connection.dialect.placeholders(len(part))})", part)  # noqa: S608


def _chunks(ids: list[int]) -> list[list[int]]:
    return [ids[start : start + 250] for start in range(0, len(ids), 250)]
