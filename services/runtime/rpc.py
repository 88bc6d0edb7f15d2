"""Calls between services: a function call inside one process, gRPC to another one.

A caller never knows which: `await clients.call("user", "GetMultiUserInfo", request)`. Names of services are those of the
catalogue; methods and message types come from the compiled .proto files, so there are no generated gRPC stubs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import Message

from services.protocol import file_pb2, friend_pb2, speech_pb2, store_pb2, transmit_pb2, user_pb2
from services.runtime.refusal import Refusal
from services.stores.ports import StoreError

DESCRIPTORS: dict[str, Any] = {
    "user": user_pb2.DESCRIPTOR.services_by_name["UserService"],
    "friend": friend_pb2.DESCRIPTOR.services_by_name["FriendService"],
    "transmit": transmit_pb2.DESCRIPTOR.services_by_name["MsgTransmitService"],
    "store": store_pb2.DESCRIPTOR.services_by_name["MsgStorageService"],
    "file": file_pb2.DESCRIPTOR.services_by_name["FileService"],
    "speech": speech_pb2.DESCRIPTOR.services_by_name["SpeechService"],
}
"""Service name -> descriptor of its gRPC service."""

Handler = Callable[[Any], Awaitable[Any]]
Remote = Callable[[str, str, Any, float], Awaitable[Any]]
"""Calls a method of a service in another process. Raises Unavailable."""

log = logging.getLogger(__name__)


class Unavailable(Exception):
    """No replica of the service could be reached, or it did not answer in time, or a store that it needs is away."""


def answering_refusals(handler: Handler, response_type: Callable[..., Message], service: str = "") -> Handler:
    """A handler that turns Refusal into its response message with success=false, echoing the request_id, and a failed
    store into Unavailable."""

    async def call(request: Any) -> Any:
        try:
            return await handler(request)
        except Refusal as refusal:
            response: Any = response_type(request_id=request.request_id, success=False, errmsg=refusal.message)
            if refusal.retry_after and "retry_after_ms" in response.DESCRIPTOR.fields_by_name:
                response.retry_after_ms = int(refusal.retry_after * 1000)
            return response
        except StoreError as error:
            log.warning("service %s: %s", service, error)
            raise Unavailable(f"service {service}: {error}") from error

    return call


class Clients:
    """Finds the handler of a method, here or in another process. Without `remote` there is no other process."""

    def __init__(self, remote: Remote | None = None) -> None:
        self._local: dict[tuple[str, str], Handler] = {}
        self._remote = remote or _nowhere

    def host(self, service: str, handlers: dict[str, Handler]) -> None:
        """Makes the handlers of a service in this process callable."""
        for method in DESCRIPTORS[service].methods:
            response_type = method.output_type._concrete_class
            self._local[service, method.name] = answering_refusals(handlers[method.name], response_type, service)

    def hosted(self, service: str) -> dict[str, Handler]:
        """The handlers of a service in this process by method, as `call` would call them."""
        return {method: handler for (name, method), handler in self._local.items() if name == service}

    def call(self, service: str, method: str, request: Message, *, timeout: float = 10.0) -> Awaitable[Any]:
        """Calls a method; `timeout` in seconds bounds a call to another process. Raises Unavailable.

        The response message of a refused call has success=false; a caller that cannot go on raises it again as its own
        Refusal.
        """
        local = self._local.get((service, method))
        if local is not None:
            return local(request)  # nothing in between: this is the way of every message
        return self._remote(service, method, request, timeout)


async def _nowhere(service: str, method: str, request: Any, timeout: float) -> Any:
    raise Unavailable(f"no replica of service {service} is known")
