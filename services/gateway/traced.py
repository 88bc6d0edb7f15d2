"""The gateway's operations, each the beginning of a trace. A client's own trace headers are not believed."""

from __future__ import annotations

from typing import Any

from services.gateway.operations import Operations
from services.gateway.routes import SEND, Route
from services.gateway.sessions import Session
from services.observation.tracer import Attributes, Kind, Tracer
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp

_LONGEST = 128
"""Characters of an id that a client chose."""


class TracedOperations(Operations):
    """See services.gateway.operations.Operations."""

    def __init__(self, tracer: Tracer, **parts: Any) -> None:
        super().__init__(**parts)
        self._tracer = tracer

    async def perform(self, route: Route, request: Any, address: str) -> Any:
        with self._tracer.span(route.path, Kind.SERVER, _about(route, request, "http"), parent="") as span:
            response = await super().perform(route, request, address)
            span.set("chatsystem.success", response.success)
            return response

    async def call(self, route: Route, request: Any, session: Session, connection: int) -> Any:
        with self._tracer.span(route.path, Kind.SERVER, _about(route, request, "websocket"), parent="") as span:
            response = await super().call(route, request, session, connection)
            span.set("chatsystem.success", response.success)
            return response

    async def send(self, request: NewMessageReq, session: Session, connection: int) -> SendRsp:
        with self._tracer.span(SEND.path, Kind.SERVER, _about(SEND, request, "websocket"), parent="") as span:
            answer = await super().send(request, session, connection)
            span.set("chatsystem.success", answer.success)
            if answer.success:
                span.set("chatsystem.message_id", answer.message.message_id)
            return answer


def _about(route: Route, request: Any, protocol: str) -> Attributes:
    return {
        "url.path": route.path,
        "network.protocol.name": protocol,
        "chatsystem.request_id": request.request_id[:_LONGEST],
    }
