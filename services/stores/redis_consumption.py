"""One consumer of a Redis stream: takes batches, acknowledges, tries again later, and gives up into the dead letters.

Every entry taken stays in the group's list of pending entries until it is acknowledged, so what a killed process had in
hand is taken over by another one as soon as it has been left alone for `Timing.stale` seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError, ResponseError

from services.stores.ports import NotNow, Parcel
from services.stores.redis_client import answered

log = logging.getLogger(__name__)

PAYLOAD = b"p"
"""Field of an entry that holds the payload."""

Handler = Callable[[Sequence[Parcel]], Awaitable[Mapping[str, Exception]]]


@dataclass(frozen=True)
class Timing:
    """All in seconds."""

    block: float = 0.5
    """How long one read waits for entries, and so how long a close may take."""
    stale: float = 60.0
    """Age at which an entry that nobody keeps alive is taken over."""
    retry: float = 0.5
    """Pause before the second attempt; it doubles with each one."""
    longest_retry: float = 30.0
    trim: float = 5.0
    """Time between two removals of what all groups have acknowledged."""


class RedisConsumption:
    """See services.stores.ports.Consumption. `names`: stream, group, consumer, stream of the dead letters."""

    def __init__(
        self,
        redis: Any,
        names: tuple[str, str, str, str],
        handler: Handler,
        *,
        prefetch: int,
        attempts: int,
        timing: Timing,
    ) -> None:
        self._redis: Any = redis
        self._stream, self._group, self._consumer, self._dead = names
        self._handler = handler
        self._prefetch = prefetch
        self._attempts = attempts
        self._timing = timing
        self._retries: dict[str, tuple[float, int]] = {}  # entry id -> when it is due, its next attempt
        self._next_sweep = 0.0
        self._next_trim = time.monotonic() + timing.trim
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Makes the group, which begins with everything that is still in the stream. Raises StoreError."""
        await answered(self._make_group())
        self._task = asyncio.create_task(self._run(), name=f"queue {self._stream} {self._group}")

    async def close(self) -> None:
        self._closing.set()
        if self._task is not None:
            await self._task

    @property
    def ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _run(self) -> None:
        pause = 0.1
        resumed = False
        while not self._closing.is_set():
            try:
                if not resumed:  # what an earlier process of this name had in hand
                    await self._own_pending()
                    resumed = True
                await self._turn()
                pause = 0.1
            except Exception as error:
                if not isinstance(error, (RedisError, OSError, RuntimeError)):
                    log.exception("queue %s: the consumer failed", self._stream)
                if isinstance(error, ResponseError) and str(error).startswith("NOGROUP"):
                    with suppress(RedisError, OSError):  # the server lost its data
                        await self._make_group()
                log.warning("queue %s: %s; trying again", self._stream, type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._closing.wait()
                pause = min(pause * 2, 5.0)
                resumed = False

    async def _turn(self) -> None:
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + self._timing.stale / 2
            await self._take_over_stale()
        if now >= self._next_trim:
            self._next_trim = now + self._timing.trim
            await self._trim()
        due = [entry for entry, (at, _) in self._retries.items() if at <= now][: self._prefetch]
        if due:
            entries = await self._redis.xclaim(self._stream, self._group, self._consumer, 0, due)
            attempts = {entry: self._retries.pop(entry)[1] for entry in due}
            await self._handle(entries, attempts)
            return
        soonest = min((at for at, _ in self._retries.values()), default=now + self._timing.block)
        block = max(1, round(1000 * min(self._timing.block, soonest - now)))
        read = await self._redis.xreadgroup(
            self._group, self._consumer, {self._stream: ">"}, count=self._prefetch, block=block
        )
        for _, entries in read.items() if isinstance(read, dict) else read or ():
            await self._handle(entries, {})

    async def _own_pending(self) -> None:
        self._retries.clear()
        await self._schedule_pending()

    async def _schedule_pending(self) -> None:
        pending = await self._redis.xpending_range(
            self._stream, self._group, "-", "+", 10_000, consumername=self._consumer
        )
        for each in pending:
            entry = each["message_id"].decode()
            self._retries.setdefault(entry, (0.0, int(each["times_delivered"]) + 1))

    async def _take_over_stale(self) -> None:
        stale = round(1000 * self._timing.stale)
        if self._retries:  # waiting for their next attempt, not abandoned
            await self._redis.xclaim(self._stream, self._group, self._consumer, 0, list(self._retries), justid=True)
        # Only the ids: taking over counts as an attempt when the entry is handled, not before.
        taken = await self._redis.xautoclaim(
            self._stream, self._group, self._consumer, stale, start_id="0-0", count=1000, justid=True
        )
        if taken:
            await self._schedule_pending()

    async def _handle(self, entries: Sequence[Any], attempts: Mapping[str, int]) -> None:
        parcels = []
        passed: list[str] = []
        for raw_id, fields in entries:
            entry = raw_id.decode()
            only_for = fields.get(b"g") if fields else None
            if not fields or (only_for is not None and only_for.decode() != self._group):
                passed.append(entry)
            else:
                parcels.append(Parcel(entry, fields.get(PAYLOAD, b""), attempts.get(entry, 1)))
        failed: Mapping[str, Exception] = {}
        if parcels:
            keep_alive = asyncio.create_task(self._keep_alive([parcel.id for parcel in parcels]))
            try:
                failed = await self._handler(parcels)
            except NotNow:
                await self._postpone(parcels)
                parcels = []
            except Exception as error:  # noqa: BLE001 - the batch failed, the consumer goes on
                failed = dict.fromkeys((parcel.id for parcel in parcels), error)
            finally:
                keep_alive.cancel()
        await self._settle(parcels, passed, failed)

    async def _keep_alive(self, ids: list[str]) -> None:
        """Tells the group that a slow handler still has its batch in hand."""
        while True:
            await asyncio.sleep(self._timing.stale / 3)
            with suppress(RedisError, OSError):
                await self._redis.xclaim(self._stream, self._group, self._consumer, 0, ids, justid=True)

    async def _postpone(self, parcels: Sequence[Parcel]) -> None:
        """They come again, and the server is told that this was no attempt."""
        due = time.monotonic() + self._timing.retry
        for attempt in {parcel.attempt for parcel in parcels}:
            entries = [parcel.id for parcel in parcels if parcel.attempt == attempt]
            self._retries.update(dict.fromkeys(entries, (due, attempt)))
            await self._redis.xclaim(
                self._stream, self._group, self._consumer, 0, entries, retrycount=attempt - 1, justid=True
            )

    async def _settle(self, parcels: Sequence[Parcel], done: list[str], failed: Mapping[str, Exception]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        now = time.monotonic()
        for parcel in parcels:
            error = failed.get(parcel.id)
            if error is not None and parcel.attempt < self._attempts:
                pause = min(self._timing.retry * 2 ** (parcel.attempt - 1), self._timing.longest_retry)
                self._retries[parcel.id] = (now + pause, parcel.attempt + 1)
                continue
            if error is not None:
                reason = f"{type(error).__name__}: {error}"[:500]
                log.error("queue %s, group %s: gave up on %s: %s", self._stream, self._group, parcel.id, reason)
                fields = {PAYLOAD: parcel.payload, "reason": reason, "attempts": parcel.attempt}
                pipeline.xadd(self._dead, fields)
            done.append(parcel.id)
        if done:
            pipeline.xack(self._stream, self._group, *done)
            await pipeline.execute()

    async def _trim(self) -> None:
        """Removes from the stream what every group has acknowledged."""
        oldest: list[tuple[int, int]] = []
        for group in await self._redis.xinfo_groups(self._stream):
            if group["pending"]:
                summary = await self._redis.xpending(self._stream, group["name"])
                if summary["min"] is None:
                    return
                oldest.append(_entry_id(summary["min"]))
            else:
                milliseconds, number = _entry_id(group["last-delivered-id"])
                oldest.append((milliseconds, number + 1))
        if oldest:
            milliseconds, number = min(oldest)
            await self._redis.xtrim(self._stream, minid=f"{milliseconds}-{number}", approximate=False)


def _entry_id(raw: bytes) -> tuple[int, int]:
    milliseconds, number = raw.decode().split("-")
    return int(milliseconds), int(number)
