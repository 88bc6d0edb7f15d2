"""A lease in etcd, kept alive by a thread of its own, with the keys that live under it.

When the lease is lost (this process was stopped for longer than its term, or etcd lost its data) a new one is taken and all
keys are written again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.stores.etcd_client import EtcdClient
from services.stores.ports import StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """In seconds: how long a registration holds, and how often it is renewed. etcd rounds `ttl` up to what its own
    elections take."""

    ttl: int = 6
    renew: float = 2.0


class Lease:
    """For any thread. The thread that keeps it alive starts with the first key and never keeps a process from ending."""

    def __init__(self, client: EtcdClient, terms: Terms) -> None:
        self._client = client
        self._terms = terms
        self._lock = threading.Lock()
        self._keys: dict[str, str] = {}
        self._id = 0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, keys: Mapping[str, str]) -> None:
        """Writes the keys and keeps them. Raises StoreError; then they are not kept."""
        with self._lock:
            self._write(keys)
            self._keys |= keys
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="etcd lease", daemon=True)
                self._thread.start()

    def remove(self, keys: Iterable[str]) -> None:
        """Raises StoreError; then the keys lapse no later than the lease."""
        with self._lock:
            gone = list(keys)
            for key in gone:
                self._keys.pop(key, None)
            self._transaction(lambda client: [client.transactions.delete(key) for key in gone])

    def revoke(self) -> None:
        """Ends the lease, and with it the keys. Raises StoreError."""
        with self._lock:
            lease, self._id = self._id, 0
            self._keys.clear()
            if lease:
                self._client.call(lambda client: client.revoke_lease(lease))

    def cancel(self) -> None:
        """The lease is not kept alive any longer."""
        self._stopped.set()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _write(self, keys: Mapping[str, str]) -> None:
        if not self._id:
            self._id = self._grant()
        try:
            self._put(keys)
        except StoreError:
            # Most likely the lease is gone; a server that is away fails here, too.
            self._id = self._grant()
            self._put({**self._keys, **keys})

    def _grant(self) -> int:
        return int(self._client.call(lambda client: client.lease(self._terms.ttl).id))

    def _put(self, keys: Mapping[str, str]) -> None:
        lease = self._id
        self._transaction(lambda client: [client.transactions.put(key, keys[key], lease) for key in keys])

    def _transaction(self, operations: Callable[[Any], list[Any]]) -> None:
        """All or nothing, so that nobody sees an instance without its metadata."""
        self._client.call(lambda client: client.transaction(compare=[], success=operations(client), failure=[]))

    def _keep(self) -> None:
        failing = False
        pause = self._terms.renew
        while not self._stopped.wait(pause):
            pause = self._terms.renew
            try:
                with self._lock:
                    self._renew()
                if failing:
                    log.info("the registration is renewed again")
                failing = False
            except StoreError as error:
                if not failing:
                    log.warning("the registration could not be renewed: %s; trying again", error)
                failing = True
                pause = min(self._terms.renew, self._terms.ttl / 10)

    def _renew(self) -> None:
        if not self._keys or self._stopped.is_set():
            return
        lease = self._id
        alive = (
            lease and self._client.call(lambda client: [answer.TTL for answer in client.refresh_lease(lease)])[0] > 0
        )
        if not alive:
            log.warning("the lease was lost: registering again")
            self._id = 0
            self._write(self._keys)
        elif len(self._client.call(lambda client: client.get_lease_info(lease)).keys) < len(self._keys):
            log.warning("somebody removed a registration: registering again")
            self._put(self._keys)
