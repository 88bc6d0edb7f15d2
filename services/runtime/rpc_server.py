"""The gRPC side of a process that others call: one server for all services hosted here.

The methods are made from the descriptors of the .proto files; each can be called by itself, and through a stream that many
calls share (rpc_stream_server.py). Every call and every stream must carry the shared secret. Imported only when the process
has a registry: gRPC costs memory.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.observation.tracer import trace_parent
from services.runtime.logs import request_id
from services.runtime.rpc import DESCRIPTORS, Handler, Unavailable
from services.runtime.rpc_stream_server import CallStreams
from services.runtime.rpc_tls import RpcTls
from services.runtime.rpc_wire import CHANNEL_OPTIONS, LEAVING, REQUEST_ID_KEY, SECRET_KEY, TRACE_KEY

log = logging.getLogger(__name__)

_SERVER_OPTIONS = [
    *CHANNEL_OPTIONS,
    ("grpc.http2.min_ping_interval_without_data_ms", 2_000),
    ("grpc.so_reuseport", 0),  # a port that is taken must be an error, not a share of somebody's calls
]


def endpoint(host: str, port: int) -> str:
    """As gRPC writes it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class RpcServer:
    """Serves the handlers of `services` (name -> method -> handler)."""

    def __init__(self, secret: str, services: Mapping[str, Mapping[str, Handler]], tls: RpcTls | None = None) -> None:
        self._server = grpc.aio.server(options=_SERVER_OPTIONS)
        self._health = health.aio.HealthServicer()
        self._names = [DESCRIPTORS[name].full_name for name in services]
        self._secret = secret.encode()
        self._tls = tls
        self._streams = CallStreams(services, self._authenticate)
        self._refusing = False
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for name, handlers in services.items():
            self._server.add_generic_rpc_handlers((self._generic(name, handlers),))
        self._server.add_generic_rpc_handlers((self._streams.generic_handler(),))

    async def start(self, host: str, ports: Iterable[int]) -> list[int]:
        """Listens on every port (0: a free one) and returns them. Raises OSError."""
        bound = []
        for port in ports:
            try:
                bound.append(self._listen(endpoint(host, port)))
            except RuntimeError as error:
                raise OSError(f"cannot listen on {host}:{port} for calls") from error
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def leave(self) -> None:
        """Tells the callers that no more calls should come; those that come are still served."""
        self._streams.leave()
        await self._health.enter_graceful_shutdown()

    async def refuse(self) -> None:
        """Sends new calls to other replicas; those under way go on."""
        self._refusing = True
        self._streams.refuse()

    async def stop(self, grace: float) -> None:
        """Refuses new calls and gives those under way `grace` seconds."""
        self._refusing = True
        self._streams.finish()
        await self._server.stop(grace)

    def _listen(self, address: str) -> int:
        if self._tls is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, self._tls.server_credentials())

    async def _authenticate(self, context: grpc.aio.ServicerContext[Any, Any], what: str) -> dict[str, Any]:
        """The metadata. Aborts what does not carry the secret."""
        metadata: dict[str, Any] = dict(context.invocation_metadata() or ())
        if not hmac.compare_digest(str(metadata.get(SECRET_KEY, "")).encode(), self._secret):
            log.warning("%s without the secret was refused", what)
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the shared secret is wrong")
        return metadata

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
            metadata = await self._authenticate(context, f"a call of {service}.{method}")
            if self._refusing:
                await context.abort(grpc.StatusCode.UNAVAILABLE, LEAVING)
            request_id.set(str(metadata.get(REQUEST_ID_KEY, "")))
            trace_parent.set(str(metadata.get(TRACE_KEY, "")))
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
