"""A watch on a prefix in etcd, in a thread of its own: lists, then waits for changes, and lists again at each of them.

The events are only a sign: what is told is always a whole listing, so nothing is missed, whatever broke in between. A watch
that breaks (etcd restarted, compacted its history, or another member has to be asked) begins again with a listing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

from services.stores.etcd_client import EtcdClient, store_error
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.3, 1.0, 2.0)
"""Seconds between attempts to begin again; the last one is repeated."""


@dataclass(frozen=True)
class Listing:
    """Keys and values of a prefix, and of its metadata, at one revision. `cluster` changes when etcd was made anew."""

    entries: tuple[tuple[str, str], ...]
    revision: int
    cluster: int

    def lost_data(self, earlier: Listing) -> bool:
        return self.cluster != earlier.cluster or self.revision < earlier.revision


def listing(client: EtcdClient, prefix: str) -> Listing:
    """Raises StoreError."""
    messages = client.messages

    def ranges(prefix: str) -> Any:
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        request = messages.RangeRequest(key=prefix.encode(), range_end=end.encode())
        return messages.RequestOp(request_range=request)

    def ask(library: Any) -> Any:
        request = messages.TxnRequest(success=[ranges(prefix), ranges("/metadata" + prefix)])
        return library.kvstub.Txn(
            request, library.timeout, credentials=library.call_credentials, metadata=library.metadata
        )

    answer = client.call(ask)
    entries = tuple(
        (pair.key.decode(errors="replace"), pair.value.decode(errors="replace"))
        for part in answer.responses
        for pair in part.response_range.kvs
    )
    return Listing(entries, answer.header.revision, answer.header.cluster_id)


class Watch:
    """Calls `tell` in its thread with every listing after `first`. `grace` (seconds): what an etcd that lost its data
    does not know any more is still told for so long, because those who live register again within their term."""

    def __init__(
        self, client: EtcdClient, prefix: str, tell: Callable[[Listing], None], first: Listing, *, grace: float
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._tell = tell
        self._last = first
        self._grace = grace
        self._remembered: tuple[tuple[str, str], ...] = ()
        self._forget_at = 0.0
        self._stopped = threading.Event()
        self._call: Any = None
        self._thread = threading.Thread(target=self._run, name="etcd watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def cancel(self) -> None:
        self._stopped.set()
        call = self._call
        if call is not None:
            call.cancel()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        first = True
        while not self._stopped.is_set():
            library = None
            try:
                if not first:
                    self._list()
                    if failures:
                        log.info("the registry answers again")
                    failures = 0
                first = False
                library = self._client.call(lambda each: each)
                self._follow(library)
            except (grpc.RpcError, StoreError, ValueError) as error:
                if self._stopped.is_set():
                    return
                if not isinstance(error, StoreError):
                    error = store_error(error)
                    self._client.drop(library)
                if not failures:
                    log.warning("the watch of the registry broke, going on with what is known: %s", error)
                self._stopped.wait(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1

    def _list(self) -> None:
        now = time.monotonic()
        listed = listing(self._client, self._prefix)
        if listed.lost_data(self._last):
            log.warning("etcd lost its data; for %g s what it knew before counts, too", self._grace)
            self._remembered = self._last.entries
            self._forget_at = now + self._grace
        if now >= self._forget_at:
            self._remembered = ()
        self._last = Listing(tuple({**dict(self._remembered), **dict(listed.entries)}.items()), *_header(listed))
        self._tell(self._last)

    def _follow(self, library: Any) -> None:
        """Until the watch ends or breaks, or it is time to forget."""
        messages = self._client.messages
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        end = self._prefix[:-1] + chr(ord(self._prefix[-1]) + 1)
        requests.put(
            messages.WatchRequest(
                create_request=messages.WatchCreateRequest(
                    key=self._prefix.encode(), range_end=end.encode(), start_revision=self._last.revision + 1
                )
            )
        )
        timeout = max(0.1, self._forget_at - time.monotonic()) if self._remembered else None
        call = messages.WatchStub(library.channel).Watch(
            _until_none(requests), timeout, credentials=library.call_credentials, metadata=library.metadata
        )
        self._call = call
        try:
            if self._stopped.is_set():
                return
            for answer in call:
                if answer.canceled or answer.compact_revision:
                    return
                if answer.events:
                    self._list()
        except grpc.RpcError as error:
            if timeout is None or error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
        finally:
            call.cancel()
            requests.put(None)


def _header(listed: Listing) -> tuple[int, int]:
    return listed.revision, listed.cluster


def _until_none(requests: queue.SimpleQueue[Any]) -> Iterator[Any]:
    """The server ends a watch when the requests end: they go on until None."""
    while (request := requests.get()) is not None:
        yield request
