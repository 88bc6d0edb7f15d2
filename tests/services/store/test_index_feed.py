"""What becomes of events for the search index while a store is away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.runtime.events import IndexEvent
from services.store.index_feed import Feed, FeedMetrics, parts
from services.stores.ports import NotNow, Parcel, StoreError


class Away:
    """A store that does not answer, whatever it is asked."""

    name = "messages"
    visible_within = 0.0

    def __getattr__(self, _: str) -> Any:
        async def ask(*arguments: Any, **options: Any) -> Any:
            raise StoreError("away")

        return ask


async def test_a_database_that_is_away_uses_up_no_attempts_of_the_events() -> None:
    told: list[bool] = []
    runtime: Any = SimpleNamespace(database=Away(), queue=Away(), clock=lambda: 0.0)
    projection: Any = SimpleNamespace(messages=Away(), users=Away())
    part, _ = parts(projection)
    feed = Feed(runtime, part, FeedMetrics(CollectorRegistry()), lambda: told.append(True))
    with pytest.raises(NotNow, match="away"):
        await feed([Parcel("1", IndexEvent(("m1",)).encode(), 1)])
    assert told == [True]


async def test_what_an_index_refuses_for_good_counts_as_an_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*arguments: Any, **options: Any) -> Any:
        raise StoreError("refused", retryable=False)

    monkeypatch.setattr("services.store.index_feed.bring", refused)
    runtime: Any = SimpleNamespace(database=Away(), queue=Away(), clock=lambda: 0.0)
    projection: Any = SimpleNamespace(messages=Away(), users=Away())
    part, _ = parts(projection)
    feed = Feed(runtime, part, FeedMetrics(CollectorRegistry()), lambda: None)
    with pytest.raises(StoreError, match="refused"):
        await feed([Parcel("1", IndexEvent(("m1",)).encode(), 1)])
