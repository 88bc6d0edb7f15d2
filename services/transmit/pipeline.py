"""Group commit: what is sent while a transaction runs is stored together by the next one.

One transaction is under way at a time, so its size adapts to the load by itself: one message when nothing else is going
on, hundreds under pressure. Senders are answered in the order of the sequence numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from services.runtime.refusal import Refusal
from services.stores.ports import StoreError, UniqueViolation
from services.transmit.batch import Refused, Stored
from services.transmit.draft import Draft

logger = logging.getLogger(__name__)

Write = Callable[[Sequence[Draft], bool], Awaitable[Sequence[Stored | Refused]]]
"""The drafts, and whether one of their request ids may be stored already."""

RACES = 5
"""How often a batch is repeated because one of its request ids was stored before, or by another process at the same time."""

OVERLOADED = "系统繁忙，请稍后再试"
STORE_AWAY = "服务暂不可用，请稍后再试"


class Pipeline:
    """`write` stores a batch and returns an outcome for each draft; `max_batch` bounds it, `queue_limit` what may wait."""

    def __init__(self, write: Write, *, max_batch: int, queue_limit: int) -> None:
        self._write = write
        self._max_batch = max_batch
        self._queue_limit = queue_limit
        self._waiting: deque[tuple[Draft, asyncio.Future[Stored]]] = deque()
        self._running: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """Drafts that wait, without those of the transaction under way."""
        return len(self._waiting)

    def submit(self, draft: Draft) -> asyncio.Future[Stored]:
        """The future of the stored message; it fails with a Refusal. Raises Refusal when too much is waiting already.

        A caller that goes away does not undo what it submitted.
        """
        if len(self._waiting) >= self._queue_limit:
            raise Refusal(OVERLOADED, retry_after=1.0)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Stored] = loop.create_future()
        self._waiting.append((draft, future))
        if self._running is None:
            # The task starts after the callbacks that are ready now, so that this turn's sends share the batch.
            self._running = loop.create_task(self._run(), name="transmit-pipeline")
        return future

    async def drained(self) -> None:
        """Returns when nothing waits and no transaction is under way."""
        while self._running is not None:
            await asyncio.wait({self._running})

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = list(islice(self._waiting, self._max_batch))
                for _ in batch:
                    self._waiting.popleft()
                await self._store(batch)
        finally:
            self._running = None
            if self._waiting:  # only if this task was cancelled
                for _, future in self._waiting:
                    future.cancel()
                self._waiting.clear()

    async def _store(self, batch: list[tuple[Draft, asyncio.Future[Stored]]]) -> None:
        try:
            outcomes = await self._write_repeating([draft for draft, _ in batch])
        except StoreError as error:
            logger.warning("the database did not take a batch", extra={"messages": len(batch), "error": str(error)})
            for _, future in batch:
                _fail(future, Refusal(STORE_AWAY, retry_after=1.0))
        except Exception as error:  # one bad draft must not fail the others, whatever is wrong with it
            if len(batch) == 1:
                logger.exception("a message could not be stored")
                _fail(batch[0][1], error)
                return
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])
        else:
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, Refused):
                    future.set_exception(Refusal(outcome.reason))
                else:
                    future.set_result(outcome)

    async def _write_repeating(self, drafts: Sequence[Draft]) -> Sequence[Stored | Refused]:
        for attempt in range(RACES):
            with contextlib.suppress(UniqueViolation):
                return await self._write(drafts, attempt > 0)
        return await self._write(drafts, True)


def _fail(future: asyncio.Future[Stored], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
