"""The store service: history, synchronisation, read positions, search, and the background work on stored messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from services.runtime.context import Hosted, Runtime
from services.runtime.profiles import Profiles
from services.store.cleanup import Cleanup
from services.store.dead_letters import Bounds, DeadLetters
from services.store.epoch import EpochKeeper, ensure_epoch
from services.store.history import History
from services.store.indexing import Indexing
from services.store.read_positions import ReadPositions
from services.store.render import Renderer
from services.store.search import MessageSearch
from services.store.sync import Sync
from services.store.transcripts import Transcripts, transcript_counter
from services.stores.search_fallback import ANSWERED_BY, FallbackSearch


class StoreService:
    name = "store"

    def __init__(self, runtime: Runtime) -> None:
        page_limit = runtime.settings.integer("store", "pageLimit")
        renderer = Renderer(runtime.clients, Profiles(runtime.clients, runtime.clock, with_picture=True))
        history = History(
            runtime.database,
            renderer,
            history_limit=runtime.settings.integer("store", "historyLimit"),
            page_limit=page_limit,
        )
        search = MessageSearch(
            runtime.database,
            FallbackSearch(runtime.search, runtime.database, answered=_counter(runtime.metrics)),
            renderer,
        )
        self._database = runtime.database
        self._transcripts = Transcripts(runtime, transcript_counter(runtime.metrics))
        interval = runtime.settings.number("store", "cleanupInterval")
        self._cleanup = Cleanup(
            runtime.database,
            runtime.clients,
            runtime.clock,
            interval=interval,
            feeds_search=runtime.search.needs_events,
        )
        bounds = Bounds(
            runtime.settings.integer("store", "deadLetters"), runtime.settings.number("store", "deadLetterAge")
        )
        self._dead_letters = DeadLetters(runtime.queue, bounds, runtime.clock, interval)
        projection = runtime.search.projection
        compare = runtime.settings.number("store", "indexCompareInterval")
        self._indexing = None if projection is None else Indexing(runtime, projection, compare)
        self._epoch = EpochKeeper(runtime.database, runtime.cache, self._set_back)
        self.handlers: Mapping[str, Callable[..., Any]] = {
            "GetHistoryMsg": history.get_history,
            "GetRecentMsg": history.get_recent,
            "GetPage": history.get_page,
            "GetLastMessages": history.get_last_messages,
            "MsgSearch": search.of_conversation,
            "SearchMessages": search.search,
            "Sync": Sync(runtime.database, renderer, page_limit=page_limit).sync,
            "MarkRead": ReadPositions(runtime.database).mark_read,
        }

    async def start(self) -> None:
        await self._database.write(ensure_epoch)
        await self._transcripts.start()
        self._cleanup.start()
        self._dead_letters.start()
        self._epoch.start()
        if self._indexing is not None:
            self._indexing.start()

    async def drain(self) -> None:
        """Takes no further event and finishes those in hand."""
        await self._transcripts.stop()
        if self._indexing is not None:
            await self._indexing.stop()

    async def _set_back(self) -> None:
        if self._indexing is not None:
            await self._indexing.compare_soon()

    async def stop(self) -> None:
        await self._epoch.stop()
        if self._indexing is not None:
            await self._indexing.stop()
        await self._transcripts.stop()
        await self._dead_letters.stop()
        await self._cleanup.stop()


def _counter(registry: CollectorRegistry) -> Callable[[str], None]:
    answered = Counter(
        "chatsystem_message_searches_total",
        "Searches for messages, by what answered (index; database: there is no index; degraded: the database, because the index is away).",
        ["answered_by"],
        registry=registry,
    )
    by = {name: answered.labels(name) for name in ANSWERED_BY}
    return lambda name: by[name].inc()


def create(runtime: Runtime) -> Hosted:
    return StoreService(runtime)
