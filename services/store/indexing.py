"""The search index follows the database: the consumer of the topics `search` and `search-people`, and its care-taker.

An event names a row; the row is read and brought to the index as it is now, so a repeated or late event does no harm and a
deleted row is taken out. What the index does not take is tried again by the queue and ends in the dead letters. While the
index is away nothing is consumed: the events wait in the queue and use up no attempts.

An index that is not complete is filled before searches see it, one that another version made is built anew, and from time
to time everything is compared (services/store/index_repair.py), by one replica at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

from prometheus_client import Counter, Gauge, Histogram

from services.runtime.context import Runtime
from services.runtime.events import PEOPLE, SEARCH, MessageEvent, UserEvent, stored_at
from services.store.index_rebuild import rebuild
from services.store.index_repair import bring, fill, repair
from services.store.index_source import Messages, Source, Users
from services.stores.ports import Consumption, Parcel, StoreError
from services.stores.projection import Index, Projection

logger = logging.getLogger(__name__)

GROUP = "search-index"

_PREFETCH = 500
_ATTEMPTS = 8
_LONGEST_PAUSE = 5.0
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
        self._parts: tuple[tuple[str, Source, Index, Callable[[bytes], str]], ...] = (
            (SEARCH, Messages(), projection.messages, lambda payload: MessageEvent.decode(payload).message_id),
            (PEOPLE, Users(), projection.users, lambda payload: UserEvent.decode(payload).user_id),
        )
        self._interval = interval
        self._away = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        registry = runtime.metrics
        self._available = Gauge(
            "chatsystem_index_available", "1 while the search index takes what it is given.", registry=registry
        )
        self._written = Counter(
            "chatsystem_index_documents", "Documents brought to the search index.", ["index"], registry=registry
        )
        self._refused = Counter(
            "chatsystem_index_refused", "Documents that the search index did not take.", ["index"], registry=registry
        )
        self._repaired = Counter(
            "chatsystem_index_repaired", "Documents that a comparison found wrong.", ["index"], registry=registry
        )

        self._lag = Histogram(
            "chatsystem_index_lag_seconds",
            "Time from storing a message until searches find it, at the latest: with the index's own interval between two refreshes.",
            buckets=(0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
            registry=registry,
        )

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

    async def handle(
        self, parcels: Sequence[Parcel], *, source: Source, index: Index, name_of: Callable[[bytes], str]
    ) -> Mapping[str, Exception]:
        """Returns the parcels that failed, and why. Raises StoreError while the index or the database is away."""
        failed: dict[str, Exception] = {}
        named: dict[str, list[str]] = {}
        for parcel in parcels:
            try:
                named.setdefault(name_of(parcel.payload), []).append(parcel.id)
            except ValueError as error:
                failed[parcel.id] = error
        try:
            documents, gone, refused = await bring(self._runtime.database, source, index, list(named))
        except StoreError:
            self._away.set()
            raise
        self._written.labels(index.name).inc(len(documents) + len(gone) - len(refused))
        self._refused.labels(index.name).inc(len(refused))
        for document_id, why in refused.items():
            failed.update(dict.fromkeys(named[document_id], StoreError(f"not indexed: {why}")))
        seen_at = self._runtime.clock() + index.visible_within
        for parcel in parcels:
            if parcel.id not in failed and (stored := stored_at(parcel.payload)) is not None:
                self._lag.observe(max(0.0, seen_at - stored))
        return failed

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._away.clear()
            try:
                async with contextlib.AsyncExitStack() as opened:
                    for topic, source, index, name_of in self._parts:
                        await index.prepare()
                        await index.write((), (_NOBODY,))  # one that takes no writes is away, too
                        handler = partial(self.handle, source=source, index=index, name_of=name_of)
                        consumption: Consumption = await self._runtime.queue.consume(
                            topic, GROUP, handler, prefetch=_PREFETCH, attempts=_ATTEMPTS
                        )
                        opened.push_async_callback(consumption.close)
                    if failures:
                        logger.info("the search index is followed again")
                    failures = 0
                    self._available.set(1)
                    await self._follow()
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
                for topic, source, index, _ in self._parts:
                    await self._complete(topic, source, index)
                    if await self._turn(f"{topic}:compared", self._interval):
                        try:
                            await self._compare(source, index)
                        except BaseException:
                            await self._give_back(f"{topic}:compared")
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
        self._refused.labels(index.name).inc(result.refused)
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
