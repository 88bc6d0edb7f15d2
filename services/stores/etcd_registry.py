"""The Registry port on etcd: a key for each instance, all keys of a process under one lease.

A key is `<prefix>/<service>/<instance>` and its value host:port, as in the system before this one. Metadata, where there
is any, is JSON under `/metadata<prefix>/…`. The library blocks, so the calls run in threads: one keeps the lease alive,
one watches, a few make the rest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from services.stores.access import Access
from services.stores.etcd_client import EtcdClient
from services.stores.etcd_lease import Lease, Terms
from services.stores.etcd_watch import Listing, Watch, listing
from services.stores.ports import Instance, StoreError

T = TypeVar("T")


@dataclass(frozen=True)
class Keys:
    """Which key belongs to which instance. `names`: service -> its name in the registry; others keep theirs."""

    prefix: str
    names: Mapping[str, str]

    def of(self, instance: Instance) -> str:
        return f"{self.folder(instance.service)}{instance.id}"

    def folder(self, service: str) -> str:
        return f"{self.prefix}/{self.names.get(service, service)}/"

    def entries(self, instance: Instance) -> dict[str, str]:
        """What is written for an instance."""
        written = {self.of(instance): instance.address}
        if instance.metadata:
            written["/metadata" + self.of(instance)] = json.dumps(dict(instance.metadata), sort_keys=True)
        return written

    def read(self, written: Iterable[tuple[str, str]]) -> list[Instance]:
        """The instances in keys and values; what is not of our making is passed over."""
        services = {name: service for service, name in self.names.items()}
        found = dict(written)
        instances = []
        for key, address in sorted(found.items()):
            name, _, instance = key.removeprefix(f"{self.prefix}/").rpartition("/")
            if not key.startswith(f"{self.prefix}/") or not name or not instance or not address:
                continue
            metadata: Mapping[str, str] = {}
            with suppress(ValueError):
                metadata = json.loads(found.get("/metadata" + key, "{}"))
            instances.append(Instance(services.get(name, name), instance, address, metadata))
        return instances


class EtcdRegistry:
    """See services.stores.ports.Registry. `url`: etcd://host:port,host:port/prefix. `timeout` (seconds) bounds each
    attempt at one member."""

    def __init__(
        self,
        url: str,
        access: Access | None = None,
        *,
        names: Mapping[str, str] | None = None,
        terms: Terms | None = None,
        timeout: float = 2.0,
    ) -> None:
        self._keys = Keys("/" + urlsplit(url).path.strip("/"), names or {})
        self._client = EtcdClient(url, access or Access(), timeout=timeout)
        self._terms = terms or Terms()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="etcd")
        self._lease = Lease(self._client, self._terms)
        self._tasks: list[Lease | Watch] = [self._lease]
        self._closed = False

    async def register(self, instance: Instance) -> None:
        await self._run(partial(self._lease.put, self._keys.entries(instance)))

    async def deregister(self, instance: Instance) -> None:
        await self._run(partial(self._lease.remove, list(self._keys.entries(instance))))

    async def instances(self, service: str) -> list[Instance]:
        folder = self._keys.folder(service)
        listed = await self._run(partial(listing, self._client, folder))
        return [instance for instance in self._keys.read(listed.entries) if instance.service == service]

    async def watch(self, changed: Callable[[str, list[Instance]], None]) -> None:
        loop = asyncio.get_running_loop()
        watcher = _Watcher(changed)
        first = await self._run(partial(listing, self._client, self._keys.prefix + "/"))
        watcher.seen(self._keys.read(first.entries))

        def tell(listed: Listing) -> None:
            with suppress(RuntimeError):  # the loop ended before the thread
                loop.call_soon_threadsafe(watcher.seen, self._keys.read(listed.entries))

        watch = Watch(self._client, self._keys.prefix + "/", tell, first, grace=self._terms.ttl)
        self._tasks.append(watch)
        watch.start()

    async def ping(self) -> None:
        await self._run(lambda: self._client.call(lambda client: client.get(self._keys.prefix)))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for task in self._tasks:
            task.cancel()
        with suppress(StoreError):
            await self._run(self._lease.revoke)
        self._client.close()
        await asyncio.get_running_loop().run_in_executor(self._threads, self._join)
        self._threads.shutdown(wait=False)

    def _join(self) -> None:
        for task in self._tasks:
            task.join()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Watcher:
    """What was told last: a change is told once."""

    def __init__(self, changed: Callable[[str, list[Instance]], None]) -> None:
        self._changed = changed
        self._told: dict[str, list[Instance]] = {}

    def seen(self, instances: Iterable[Instance]) -> None:
        by_service: dict[str, list[Instance]] = {service: [] for service in self._told}
        for instance in instances:
            by_service.setdefault(instance.service, []).append(instance)
        for service, now in by_service.items():
            if self._told.get(service) != now:
                self._told[service] = now
                self._changed(service, list(now))
