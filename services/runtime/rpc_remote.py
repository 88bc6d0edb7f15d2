"""Calls to services in other processes: finds the replicas through the registry and bounds every call in time.

Small calls share the streams of rpc_replica.py, by the rules of rpc_router.py. A call with the content of a file in it is a
gRPC call of its own, round robin over the replicas that answer. Imported only when the process has a registry.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import CollectorRegistry

from services.observation.tracer import trace_parent
from services.runtime.logs import request_id
from services.runtime.rpc import DESCRIPTORS, Unavailable
from services.runtime.rpc_call import RemoteCall
from services.runtime.rpc_metrics import batch_metrics
from services.runtime.rpc_policy import LARGEST_SHARED, WHOLE, order_key, repeatable
from services.runtime.rpc_replica import Replica
from services.runtime.rpc_router import PATIENCE, Router
from services.runtime.rpc_tls import RpcTls
from services.runtime.rpc_wire import (
    CHANNEL_OPTIONS,
    LEAVING,
    REQUEST_ID_KEY,
    SECRET_KEY,
    TRACE_KEY,
    describe,
    printable_id,
)
from services.stores.ports import Instance, Registry

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 1.0
"""Seconds for a connection to a replica while there is another one to try."""
_LAST_CONNECT_TIMEOUT = 5.0
"""Seconds for a connection to the only one that is left: it may merely be slow."""
_TICK = 0.05
"""Seconds by which a call that shares a stream may miss its deadline."""
_OPTIONS: list[tuple[str, int | str]] = [
    *CHANNEL_OPTIONS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
_TRY_ANOTHER = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


class RemoteServices:
    """The calls of one process. Give `call` to Clients. Requests of up to `largest_shared` bytes share streams."""

    def __init__(
        self,
        registry: Registry,
        secret: str,
        tls: RpcTls | None = None,
        *,
        metrics: CollectorRegistry | None = None,
        largest_shared: int = LARGEST_SHARED,
    ) -> None:
        self._registry = registry
        self._metadata = ((SECRET_KEY, secret),)
        self._tls = tls
        self._largest_shared = largest_shared
        self._routers = {service: Router(service, self._call_whole) for service in DESCRIPTORS}
        self._responses = {
            (service, method.name): method.output_type._concrete_class
            for service, descriptor in DESCRIPTORS.items()
            for method in descriptor.methods
        }
        self._batches = batch_metrics(metrics or CollectorRegistry(), self._routers)
        self._ids = itertools.count(1)
        self._turn = itertools.count()
        self._sweeping: asyncio.TimerHandle | None = None
        self._retiring: dict[Replica, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Learns who is there and goes on learning. Raises StoreError."""
        await self._registry.watch(self._changed)

    async def close(self) -> None:
        """Calls under way fail."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for task in self._retiring.values():
            task.cancel()
        replicas = list(self._retiring)
        for router in self._routers.values():
            router.close()
            replicas += router.replicas
            router.replicas = []
        await asyncio.gather(*(replica.close() for replica in replicas))

    async def call(self, service: str, method: str, request: Any, timeout: float) -> Any:
        """Raises Unavailable with the service's name."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        payload: bytes = request.SerializeToString()
        call = RemoteCall(
            id=next(self._ids),
            service=service,
            method=f"{service}.{method}",
            request=payload,
            request_id=printable_id(request_id.get()),
            trace=trace_parent.get(),
            deadline=now + timeout,
            patience=now + min(timeout, PATIENCE),
            future=loop.create_future(),
            repeatable=repeatable(service, method, request),
            key=order_key(service, method, request),
            whole=(service, method) in WHOLE or len(payload) > self._largest_shared,
        )
        if call.whole and not call.key:
            return self._parse(service, method, await self._call_whole(call))
        router = self._routers[service]
        router.begin(call)
        if self._sweeping is None:
            self._sweeping = loop.call_later(_TICK, self._sweep)
        try:
            response = await call.future
        except asyncio.CancelledError:
            router.abandon(call)
            raise
        return self._parse(service, method, response)

    def _parse(self, service: str, method: str, response: bytes) -> Any:
        try:
            return self._responses[service, method].FromString(response)
        except DecodeError as error:
            raise Unavailable(f"service {service}: its response cannot be read") from error

    async def _call_whole(self, call: RemoteCall) -> bytes:
        loop = asyncio.get_running_loop()
        service = call.service
        replicas = self._routers[service].replicas
        if not replicas:
            raise Unavailable(f"no replica of service {service} is known")
        start = next(self._turn) % len(replicas)
        order = replicas[start:] + replicas[:start]
        # Those with a connection first (the sort is stable): a dead replica must not make every call wait for it.
        order.sort(key=lambda replica: (not replica.connected(), replica.leaving))
        about = ((REQUEST_ID_KEY, call.request_id), (TRACE_KEY, call.trace))
        metadata = tuple(each for each in about if each[1])
        problem = "no replica could be reached"
        for replica in order:
            left = call.deadline - loop.time()
            if left <= 0:
                break
            patience = _LAST_CONNECT_TIMEOUT if replica is order[-1] else _CONNECT_TIMEOUT
            if not await replica.connect(min(left, patience)):
                continue
            left = max(call.deadline - loop.time(), 0.001)
            try:
                return await replica.call_whole(call.method.partition(".")[2], call.request, left, metadata)
            except grpc.aio.AioRpcError as error:
                problem = describe(error)
                # Once a call is in a replica's hands, nobody knows whether it was carried out.
                if problem != LEAVING and not (call.repeatable and error.code() in _TRY_ANOTHER):
                    break
        raise Unavailable(f"service {service}: {problem}")

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeping = None
        for router in self._routers.values():
            if router:
                router.sweep(loop.time())
        if any(self._routers.values()):
            self._sweeping = loop.call_later(_TICK, self._sweep)

    def _changed(self, service: str, instances: Sequence[Instance]) -> None:
        router = self._routers.get(service)
        if router is None:
            return
        wanted = {(instance.id, instance.address): instance for instance in instances}
        kept: list[Replica] = []
        gone: list[Replica] = []
        for replica in router.replicas:
            same = wanted.pop((replica.instance.id, replica.instance.address), None)
            (gone if same is None else kept).append(replica)
        kept += [
            Replica(instance, self._channel(instance), self._metadata, router, self._batches.labels(service))
            for instance in wanted.values()
        ]
        router.changed(kept)
        for replica in gone:
            self._retiring[replica] = asyncio.create_task(self._retire(replica))
        log.info("service %s: %d replicas", service, len(kept))

    async def _retire(self, replica: Replica) -> None:
        await replica.retire()
        del self._retiring[replica]

    def _channel(self, instance: Instance) -> grpc.aio.Channel:
        if self._tls is None:
            return grpc.aio.insecure_channel(instance.address, options=_OPTIONS)
        options = [*_OPTIONS, ("grpc.ssl_target_name_override", self._tls.name)]
        return grpc.aio.secure_channel(instance.address, self._tls.channel_credentials(), options=options)
