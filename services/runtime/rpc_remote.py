"""Calls to services in other processes: round robin over the replicas that the registry names and that answer.

A replica that cannot be reached is passed over. Once a call is in a replica's hands, it goes to another one only if the
method is known to be idempotent: nobody knows whether the first one did it. Imported only when the process has a registry.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from services.runtime.logs import request_id
from services.runtime.rpc import DESCRIPTORS, IDEMPOTENT, Unavailable
from services.runtime.rpc_server import CHANNEL_OPTIONS, REQUEST_ID_KEY, SECRET_KEY
from services.stores.ports import Instance, Registry

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 1.0
_LONGEST_ID = 128
_OPTIONS = [
    *CHANNEL_OPTIONS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
_TRY_ANOTHER = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


@dataclass(eq=False)
class _Replica:
    instance: Instance
    channel: grpc.aio.Channel
    stubs: dict[str, Any]


class RemoteServices:
    """The calls of one process. Give `call` to Clients."""

    def __init__(self, registry: Registry, secret: str) -> None:
        self._registry = registry
        self._secret = secret
        self._replicas: dict[str, list[_Replica]] = {}
        self._turn = itertools.count()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Learns who is there and goes on learning. Raises StoreError."""
        await self._registry.watch(self._changed)

    async def close(self) -> None:
        for replicas in self._replicas.values():
            for replica in replicas:
                await replica.channel.close()
        self._replicas.clear()
        if self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    async def call(self, service: str, method: str, request: Any, timeout: float) -> Any:
        """Raises Unavailable with the service's name."""
        deadline = asyncio.get_running_loop().time() + timeout
        replicas = self._replicas.get(service, [])
        if not replicas:
            raise Unavailable(f"no replica of service {service} is known")
        start = next(self._turn) % len(replicas)
        order = replicas[start:] + replicas[:start]
        # Those with a connection first (the sort is stable): a dead replica must not make every call wait for it.
        order.sort(key=lambda replica: replica.channel.get_state() is not grpc.ChannelConnectivity.READY)
        problem = "no replica could be reached"
        for replica in order:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            if not await _connected(replica.channel, min(left, _CONNECT_TIMEOUT)):
                continue
            left = deadline - asyncio.get_running_loop().time()
            try:
                return await replica.stubs[method](request, timeout=max(left, 0.001), metadata=self._metadata())
            except grpc.aio.AioRpcError as error:
                problem = _problem(error)
                if error.code() not in _TRY_ANOTHER or (service, method) not in IDEMPOTENT:
                    break
        raise Unavailable(f"service {service}: {problem}")

    def _metadata(self) -> list[tuple[str, str]]:
        current = request_id.get()
        metadata = [(SECRET_KEY, self._secret)]
        # Only what may stand in a header; a client's request id can be anything.
        if current and len(current) <= _LONGEST_ID and current.isascii() and current.isprintable():
            metadata.append((REQUEST_ID_KEY, current))
        return metadata

    def _changed(self, service: str, instances: Sequence[Instance]) -> None:
        if service not in DESCRIPTORS:
            return
        wanted = {(instance.id, instance.address): instance for instance in instances}
        kept: list[_Replica] = []
        for replica in self._replicas.get(service, []):
            if wanted.pop((replica.instance.id, replica.instance.address), None) is not None:
                kept.append(replica)
            else:
                # Calls under way on it may finish.
                closing = asyncio.create_task(replica.channel.close(30.0))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
        kept += [self._connect(service, instance) for instance in wanted.values()]
        self._replicas[service] = kept
        log.info("service %s: %d replicas", service, len(kept))

    def _connect(self, service: str, instance: Instance) -> _Replica:
        channel = grpc.aio.insecure_channel(instance.address, options=_OPTIONS)
        descriptor = DESCRIPTORS[service]
        stubs = {
            method.name: channel.unary_unary(
                f"/{descriptor.full_name}/{method.name}",
                request_serializer=method.input_type._concrete_class.SerializeToString,
                response_deserializer=method.output_type._concrete_class.FromString,
            )
            for method in descriptor.methods
        }
        channel.get_state(try_to_connect=True)
        return _Replica(instance, channel, stubs)


async def _connected(channel: grpc.aio.Channel, timeout: float) -> bool:
    if channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY:
        return True
    try:
        async with asyncio.timeout(timeout):
            await channel.channel_ready()
    except (TimeoutError, grpc.aio.UsageError):
        return False
    return True


def _problem(error: grpc.aio.AioRpcError) -> str:
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return "no answer in time"
        case grpc.StatusCode.UNAUTHENTICATED:
            return "it refused the shared secret; all processes need the same CHATSYSTEM_RPC_SECRET_FILE"
        case grpc.StatusCode.FAILED_PRECONDITION:
            return error.details() or "unavailable"
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return "the message is too large"
    return f"the call failed ({error.code().name})"
