"""Searches are answered while the search index is away: from the database, and the answer says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.stores.ports import Database, MessageHit, Search, StoreError
from services.stores.search_database import DatabaseSearch

logger = logging.getLogger(__name__)

T = TypeVar("T")

INDEX, DATABASE, DEGRADED = "index", "database", "degraded"
"""What answered: the search index; the database, where it is the search; the database, because the index is away."""
ANSWERED_BY = (INDEX, DATABASE, DEGRADED)

_SHORTEST, _LONGEST = 0.25, 5.0
"""Seconds after a failure for which the index is not asked, as its time-out would delay every search; twice as long after
each further one."""
_MOST_FAILURES = 10
"""That are counted."""


class FallbackSearch:
    """The methods of a Search whose answers carry one value more: whether they are degraded. Pages go on across a change,
    as their tokens are the same. Where the search is the database itself, its failures are failures. `answered` is told by what each
    search was answered."""

    def __init__(
        self,
        search: Search,
        database: Database,
        *,
        now: Callable[[], float] = time.monotonic,
        answered: Callable[[str], None] = lambda by: None,
    ) -> None:
        self.checks = search.needs_events
        """Whether hits may be stale, so that the rows have to be looked at again."""
        self._search = search
        self._database = DatabaseSearch(database) if search.needs_events else None
        self._now = now
        self._answered = answered
        self._until = 0.0
        self._failures = 0

    async def messages(
        self, key: str, chat_session_ids: Sequence[str], *, limit: int, before: str = ""
    ) -> tuple[list[MessageHit], str, bool]:
        (hits, following), degraded = await self._ask(
            lambda search: search.messages(key, chat_session_ids, limit=limit, before=before)
        )
        return hits, following, degraded

    async def users(
        self, key: str, *, exclude: Sequence[str], limit: int, after: str = ""
    ) -> tuple[list[str], str, bool]:
        (ids, following), degraded = await self._ask(
            lambda search: search.users(key, exclude=exclude, limit=limit, after=after)
        )
        return ids, following, degraded

    async def _ask(self, question: Callable[[Search], Awaitable[T]]) -> tuple[T, bool]:
        if self._database is None:
            answer = await question(self._search)
            self._answered(DATABASE)
            return answer, False
        failures = self._failures
        if not failures or self._now() >= self._until:
            try:
                answer = await question(self._search)
            except StoreError as error:
                if self._failures == failures:  # searches that failed together are one failure
                    self._failed(error)
            else:
                if self._failures:
                    logger.info("searches are answered from the index again")
                self._failures = 0
                self._answered(INDEX)
                return answer, False
        answer = await question(self._database)
        self._answered(DEGRADED)
        return answer, True

    def _failed(self, error: StoreError) -> None:
        if not self._failures:
            logger.warning("searches are answered from the database: %s", error)
        self._until = self._now() + min(_SHORTEST * 2**self._failures, _LONGEST)
        self._failures = min(self._failures + 1, _MOST_FAILURES)
