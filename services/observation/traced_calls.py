"""Calls between services as spans: the caller's, and in another process the called service's below it."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from services.observation.tracer import Kind, Tracer, trace_parent
from services.runtime.rpc import Clients, Handler, Remote


class TracedClients(Clients):
    """See services.runtime.rpc.Clients."""

    def __init__(self, tracer: Tracer, remote: Remote | None = None) -> None:
        super().__init__(remote)
        self._tracer = tracer

    async def call(self, service: str, method: str, request: Message, *, timeout: float = 10.0) -> Any:
        local = (service, method) in self._local
        attributes = {"rpc.system": "inproc" if local else "grpc", "rpc.service": service, "rpc.method": method}
        kind = Kind.INTERNAL if local else Kind.CLIENT
        with self._tracer.span(f"{service}/{method}", kind, attributes | _ids(request)) as span:
            if local:
                response = await super().call(service, method, request, timeout=timeout)
            else:
                token = trace_parent.set(self._tracer.traceparent())
                try:
                    response = await super().call(service, method, request, timeout=timeout)
                finally:
                    trace_parent.reset(token)
            if not response.success:
                span.set("chatsystem.refused", True)
            return response

    def hosted(self, service: str) -> dict[str, Handler]:
        """What other processes call."""
        return {method: self._served(service, method, handler) for method, handler in super().hosted(service).items()}

    def _served(self, service: str, method: str, handler: Handler) -> Handler:
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}

        async def serve(request: Any) -> Any:
            parent = trace_parent.get()
            with self._tracer.span(f"{service}/{method}", Kind.SERVER, attributes | _ids(request), parent=parent):
                return await handler(request)

        return serve


_ID_FIELDS = ("request_id", "user_id", "chat_session_id", "message_id")
_LONGEST = 128
"""Characters of an id that a client chose."""


def _ids(request: Any) -> dict[str, str | int | float | bool]:
    """What the request names, by the names of its fields; nothing that says more than which."""
    found: dict[str, str | int | float | bool] = {}
    for name in _ID_FIELDS:
        value = getattr(request, name, "")
        if isinstance(value, str) and value:
            found[f"chatsystem.{name}"] = value[:_LONGEST]
    return found
