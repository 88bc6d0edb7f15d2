"""The search index follows the database: the consumer of the topics `search` and `search-people`, and its care-taker.

An event names rows; they are read and brought to the index as they are now, so a repeated or late event does no harm and a
deleted row is taken out. What the index does not take is tried again by the queue and ends in the dead letters, each row by
itself. While the index is away nothing is consumed: the events wait in the queue and use up no attempts.

An index that is not complete is filled before searches see it, one that another version made is built anew, and from time
to time everything is compared (services/store/index_repair.py), by one replica at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator
from functools import partial

from prometheus_client import Counter, Gauge

from services.runtime.context import Runtime
from services.store.index_feed import Feed, FeedMetrics, parts
from services.store.index_rebuild import rebuild
from services.store.index_repair import fill, repair
from services.store.index_source import Source
from services.stores.ports import Consumption, StoreError
from services.stores.projection import Index, Projection

logger = logging.getLogger(__name__)

GROUP = "search-index"

_PREFETCH = 500
_ATTEMPTS = 8
_LONGEST_PAUSE = 5.0
_STEADY = 30.0
"""Seconds for which the index was followed when its next failure is one of its own, and no further one of the last."""
_PATIENCE = 5.0
_NOBODY = "-"
"""The id of no document."""
_TURN = 30.0
"""Seconds after which the turn of a replica that died while it filled or compared an index goes to another one."""
_BREATH = 0.05
"""Seconds between two ranges of a comparison, which must not slow anything down."""


class Indexing:
    """`interval`: seconds between two comparisons of everything."""

    def __init__(self, runtime: Runtime, projection: Projection, interval: float) -> None:
        self._runtime = runtime
        self._parts = parts(projection)
        self._interval = interval
        self._away = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        registry = runtime.metrics
        self._available = Gauge(
            "chatsystem_index_available", "1 while the search index takes what it is given.", registry=registry
        )
        self._repaired = Counter(
            "chatsystem_index_repaired", "Documents that a comparison found wrong.", ["index"], registry=registry
        )
        self._fed = FeedMetrics(registry)

    def start(self) -> None:
        """Returns at once: the services do not wait for a search index."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="search index")

    async def stop(self) -> None:
        """Returns when the batch in hand is done, or given up: what is not acknowledged comes again."""
        self._stopping.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=_PATIENCE)
            if late:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task
            self._task = None

    async def compare_soon(self) -> None:
        """The next look at the indexes compares everything: the database is not what it was. Raises StoreError."""
        for part in self._parts:
            await self._runtime.cache.delete(_key(f"{part.topic}:compared"))

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._away.clear()
            try:
                async with contextlib.AsyncExitStack() as opened:
                    for part in self._parts:
                        await part.index.prepare()
                        await part.index.write((), (_NOBODY,))  # one that takes no writes is away, too
                        feed = Feed(self._runtime, part, self._fed, self._away.set)
                        consumption: Consumption = await self._runtime.queue.consume(
                            part.topic, GROUP, feed, prefetch=_PREFETCH, attempts=_ATTEMPTS
                        )
                        opened.push_async_callback(consumption.close)
                    if failures:
                        logger.info("the search index is followed again")
                    self._available.set(1)
                    began = time.monotonic()
                    try:
                        await self._follow()
                    finally:
                        if time.monotonic() - began >= _STEADY:
                            failures = 0
            except StoreError as error:
                failures += 1
                if failures == 1:
                    logger.warning("the search index is not followed for now: %s", error)
            except Exception:
                failures += 1
                logger.exception("the search index is not followed for now")
            self._available.set(0)
            await self._pause(random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE, 0.25 * 2 ** min(failures, 8)))  # noqa: S311

    async def _follow(self) -> None:
        """Until the index is away, or the service stops."""
        async with asyncio.TaskGroup() as group:
            caring = group.create_task(self._care())
            ends = [group.create_task(event.wait()) for event in (self._away, self._stopping)]
            await asyncio.wait([caring, *ends], return_when=asyncio.FIRST_COMPLETED)
            for task in (caring, *ends):
                task.cancel()
        if self._away.is_set():
            raise StoreError("it does not answer")

    async def _care(self) -> None:
        while True:
            try:
                for part in self._parts:
                    await self._complete(part.topic, part.source, part.index)
                    if await self._turn(f"{part.topic}:compared", self._interval):
                        try:
                            await self._compare(part.source, part.index)
                        except BaseException:
                            await self._give_back(f"{part.topic}:compared")
                            raise
            except StoreError as error:
                logger.warning("the search index is not cared for now: %s", error)
                self._away.set()
            await asyncio.sleep(min(self._interval, _TURN))

    async def _complete(self, topic: str, source: Source, index: Index) -> None:
        """Fills an index that searches do not see yet, or waits for the replica that does."""
        while not await index.searchable() or await index.outdated():
            if await self._turn(f"{topic}:filled", _TURN):
                async with self._kept(f"{topic}:filled"):
                    if await index.searchable():
                        await rebuild(self._runtime.database, source, index)
                    else:
                        written, _ = await fill(self._runtime.database, source, index)
                        await index.refresh()
                        await index.make_searchable()
                        logger.info("the index of %s is complete with %d documents", index.name, written)
            else:
                await asyncio.sleep(1.0)

    async def _compare(self, source: Source, index: Index) -> None:
        result = await repair(self._runtime.database, source, index, partial(asyncio.sleep, _BREATH))
        self._repaired.labels(index.name).inc(result.written + result.removed)
        self._fed.refused.labels(index.name).inc(result.refused)
        if result.written or result.removed:
            logger.info(
                "the index of %s was repaired: %d documents written, %d removed, of %d",
                index.name,
                result.written,
                result.removed,
                result.compared,
            )

    async def _turn(self, what: str, seconds: float) -> bool:
        """Whether this replica is the one to do it for that time."""
        return await self._runtime.cache.set(_key(what), b"1", ttl=seconds, only_new=True)

    async def _give_back(self, what: str) -> None:
        with contextlib.suppress(StoreError):
            await self._runtime.cache.delete(_key(what))

    @contextlib.asynccontextmanager
    async def _kept(self, what: str) -> AsyncIterator[None]:
        """Keeps the turn as long as it takes, and then gives it back."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(_TURN / 3)
                with contextlib.suppress(StoreError):
                    await self._runtime.cache.set(_key(what), b"1", ttl=_TURN)

        keeping = asyncio.get_running_loop().create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await self._give_back(what)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _key(what: str) -> str:
    return f"search-index:{what}"
