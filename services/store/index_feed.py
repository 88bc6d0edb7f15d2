"""What the events of one topic become: rows are read and written to an index, many at a time.

A batch costs the index about the same with one row in it as with a hundred. So under load batches are let grow: two of them
begin at least LINGER seconds apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.runtime.context import Runtime
from services.runtime.events import PEOPLE, SEARCH, IndexEvent, UserEvent, stored_at
from services.store.index_repair import FILL, bring
from services.store.index_source import Messages, Source, Users
from services.stores.ports import NotNow, Parcel, StoreError
from services.stores.projection import Index, Projection

LINGER = 0.25
"""Seconds by which a message is found later, at most, so that the index has less to do."""


@dataclass(frozen=True)
class Part:
    """One kind of rows on their way: `ids` reads an event (ValueError for a strange one), `alone` makes one of a single id."""

    topic: str
    source: Source
    index: Index
    ids: Callable[[bytes], tuple[str, ...]]
    alone: Callable[[str], bytes]


def parts(projection: Projection) -> tuple[Part, ...]:
    return (
        Part(
            SEARCH,
            Messages(),
            projection.messages,
            lambda payload: IndexEvent.decode(payload).message_ids,
            lambda message_id: IndexEvent((message_id,)).encode(),
        ),
        Part(
            PEOPLE,
            Users(),
            projection.users,
            lambda payload: (UserEvent.decode(payload).user_id,),
            lambda user_id: UserEvent(user_id).encode(),
        ),
    )


class FeedMetrics:
    """Shared by the feeds of a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.written = Counter(
            "chatsystem_index_documents", "Documents brought to the search index.", ["index"], registry=registry
        )
        self.refused = Counter(
            "chatsystem_index_refused", "Documents that the search index did not take.", ["index"], registry=registry
        )
        self.lag = Histogram(
            "chatsystem_index_lag_seconds",
            "Time from storing a message until searches find it, at the latest: with the index's own interval between two refreshes.",
            buckets=(0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
            registry=registry,
        )


class Feed:
    """The handler of a topic's events. `away` is called when the index, the database or the queue does not
    answer."""

    def __init__(self, runtime: Runtime, part: Part, metrics: FeedMetrics, away: Callable[[], None]) -> None:
        self._runtime = runtime
        self._part = part
        self._metrics = metrics
        self._away = away
        self._not_before = 0.0

    async def __call__(self, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        """Returns the parcels that failed, and why. An event of several rows, of which some fail, is parted: each of these
        goes into the queue as an event of its own. Raises NotNow while the index, the database or the queue is away,
        and StoreError when one of them refuses what it is asked."""
        try:
            return await self._handle(parcels)
        except StoreError as error:
            self._away()
            if error.retryable:
                raise NotNow(str(error)) from error
            raise  # it may be the fault of a single event

    async def _handle(self, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._not_before - loop.time())
        self._not_before = loop.time() + LINGER
        failed: dict[str, Exception] = {}
        named: dict[str, tuple[str, ...]] = {}
        for parcel in parcels:
            try:
                named[parcel.id] = self._part.ids(parcel.payload)
            except ValueError as error:
                failed[parcel.id] = error
        refused = await self._bring(list(dict.fromkeys(each for ids in named.values() for each in ids)))
        parted: list[str] = []
        for parcel_id, ids in named.items() if refused else ():
            bad = [each for each in ids if each in refused]
            if bad and len(ids) == 1:
                failed[parcel_id] = StoreError(f"not indexed: {refused[bad[0]]}")
            else:
                parted += bad
        if parted:
            await self._runtime.queue.publish(
                self._part.topic, [self._part.alone(each) for each in dict.fromkeys(parted)]
            )
        self._measure([parcel for parcel in parcels if parcel.id not in failed])
        return failed

    async def _bring(self, ids: Sequence[str]) -> dict[str, str]:
        """What the index does not take, id -> why."""
        index = self._part.index
        refused: dict[str, str] = {}
        for start in range(0, len(ids), FILL):
            part = ids[start : start + FILL]
            documents, gone, failed = await bring(self._runtime.database, self._part.source, index, part)
            self._metrics.written.labels(index.name).inc(len(documents) + len(gone) - len(failed))
            self._metrics.refused.labels(index.name).inc(len(failed))
            refused |= failed
        return refused

    def _measure(self, parcels: Sequence[Parcel]) -> None:
        seen_at = self._runtime.clock() + self._part.index.visible_within
        for parcel in parcels:
            if (stored := stored_at(parcel.payload)) is not None:
                self._metrics.lag.observe(max(0.0, seen_at - stored))
