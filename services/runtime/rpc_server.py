"""The gRPC side of a process that others call: one server for all services hosted here.

The methods are made from the descriptors of the .proto files. Every call must carry the shared secret. Imported only when
the process has a registry: gRPC costs memory.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.runtime.logs import request_id
from services.runtime.rpc import DESCRIPTORS, Handler, Unavailable

log = logging.getLogger(__name__)

SECRET_KEY = "x-chatsystem-secret"  # noqa: S105 - the name, not the secret
REQUEST_ID_KEY = "x-request-id"
LARGEST_MESSAGE = 96 * 2**20
"""Bytes. A file of the largest permitted size passes as one message."""

CHANNEL_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
_SERVER_OPTIONS = [
    *CHANNEL_OPTIONS,
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.so_reuseport", 0),  # a port that is taken must be an error, not a share of somebody's calls
]


class RpcServer:
    """Serves the handlers of `services` (name -> method -> handler)."""

    def __init__(self, secret: str, services: Mapping[str, Mapping[str, Handler]]) -> None:
        self._server = grpc.aio.server(options=_SERVER_OPTIONS)
        self._health = health.aio.HealthServicer()
        self._names = [DESCRIPTORS[name].full_name for name in services]
        self._secret = secret.encode()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for name, handlers in services.items():
            self._server.add_generic_rpc_handlers((self._generic(name, handlers),))

    async def start(self, host: str, ports: Iterable[int]) -> list[int]:
        """Listens on every port (0: a free one) and returns them. Raises OSError."""
        bound = []
        for port in ports:
            try:
                bound.append(self._server.add_insecure_port(f"{host}:{port}"))
            except RuntimeError as error:
                raise OSError(f"cannot listen on {host}:{port} for calls") from error
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def leave(self) -> None:
        """Tells whoever asks that no more calls should come; those that come are still served."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """Refuses new calls and gives those under way `grace` seconds."""
        await self._server.stop(grace)

    def _generic(self, service: str, handlers: Mapping[str, Handler]) -> grpc.GenericRpcHandler:
        descriptor = DESCRIPTORS[service]
        methods = {
            method.name: grpc.unary_unary_rpc_method_handler(
                self._behaviour(service, method.name, handlers[method.name]),
                request_deserializer=method.input_type._concrete_class.FromString,
                response_serializer=method.output_type._concrete_class.SerializeToString,
            )
            for method in descriptor.methods
        }
        return grpc.method_handlers_generic_handler(descriptor.full_name, methods)

    def _behaviour(self, service: str, method: str, handler: Handler) -> Any:
        async def serve(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            metadata: dict[str, Any] = dict(context.invocation_metadata() or ())
            if not hmac.compare_digest(str(metadata.get(SECRET_KEY, "")).encode(), self._secret):
                log.warning("a call of %s.%s without the secret was refused", service, method)
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the shared secret is wrong")
            request_id.set(str(metadata.get(REQUEST_ID_KEY, "")))
            try:
                return await handler(request)
            except Unavailable as error:
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("%s.%s failed", service, method)
                await context.abort(grpc.StatusCode.INTERNAL, "failed")

        return serve
