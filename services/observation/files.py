"""The Files port, measured: how many contents are being written and read, how long it takes, and what fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.stores.ports import Files, StoreError

T = TypeVar("T")


class ObservedFiles:
    """`files` with metrics in `registry`."""

    def __init__(self, files: Files, registry: CollectorRegistry) -> None:
        self._files = files
        self._running = 0
        running = Gauge(
            "chatsystem_files_running", "Contents being written, read or deleted, or waiting for it.", registry=registry
        )
        running.set_function(lambda: self._running)
        seconds = Histogram(
            "chatsystem_files_seconds",
            "Time to write (durably), read or delete one content.",
            ["operation"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0),
            registry=registry,
        )
        failures = Counter(
            "chatsystem_files_failures_total",
            "Writes, reads and deletions that the file store did not do.",
            ["operation"],
            registry=registry,
        )
        self._seconds = {operation: seconds.labels(operation) for operation in ("put", "get", "delete")}
        self._failures = {operation: failures.labels(operation) for operation in ("put", "get", "delete")}

    async def _measured(self, operation: str, exchange: Awaitable[T]) -> T:
        started = time.perf_counter()
        self._running += 1
        try:
            result = await exchange
        except StoreError:
            self._failures[operation].inc()
            raise
        finally:
            self._running -= 1
        self._seconds[operation].observe(time.perf_counter() - started)
        return result

    async def put(self, file_id: str, content: bytes) -> None:
        await self._measured("put", self._files.put(file_id, content))

    async def get(self, file_id: str) -> bytes | None:
        return await self._measured("get", self._files.get(file_id))

    async def delete(self, file_id: str) -> None:
        await self._measured("delete", self._files.delete(file_id))

    async def ping(self) -> None:
        await self._files.ping()

    async def close(self) -> None:
        await self._files.close()
