"""Figures that somebody has to be asked for: a queue's depth, the rows of the outbox. They are taken when they are scraped.

So nobody asks a store for what nobody reads, and a figure is as old as the scrape that shows it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter

from services.stores.ports import StoreError

log = logging.getLogger(__name__)

_TIMEOUT = 2.0
"""Seconds that one figure may take; Prometheus gives a scrape ten."""
_REMEMBER = 1.0
"""Seconds for which the figures hold, however many scrape."""


class Samples:
    """What is to be taken at a scrape. What cannot be taken keeps its last value and is counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._taking: dict[str, Callable[[], Awaitable[None]]] = {}
        self._taken = -_REMEMBER
        self._lock = asyncio.Lock()
        self._failures = Counter(
            "chatsystem_sample_failures_total",
            "Figures that could not be taken at a scrape, because their store did not answer.",
            ["sample"],
            registry=registry,
        )

    def add(self, name: str, take: Callable[[], Awaitable[None]]) -> None:
        """`take` sets its gauges; it raises StoreError when it cannot."""
        self._taking[name] = take
        self._failures.labels(name)

    async def take(self) -> None:
        """Takes all figures at the same time. Never raises."""
        async with self._lock:
            if time.monotonic() - self._taken < _REMEMBER:
                return
            await asyncio.gather(*(self._one(name, take) for name, take in self._taking.items()))
            self._taken = time.monotonic()

    async def _one(self, name: str, take: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                await take()
        except (StoreError, TimeoutError) as error:
            self._failures.labels(name).inc()
            log.debug("the figure %s could not be taken: %s", name, error)
