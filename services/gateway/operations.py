"""What the gateway does for a request, whichever way it came: who asks, how often, then the service, then the pushes.

Never raises and never tells a client anything internal: what goes wrong becomes a response with success=false.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.gateway.limits import RateLimiter, subscriber_of
from services.gateway.metrics import GatewayMetrics
from services.gateway.routes import SEND, Route
from services.gateway.sessions import Session, SessionCache
from services.protocol.gateway_pb2 import Delivery, DeliveryBatch, ReadEvent, ServerFrame
from services.protocol.notify_pb2 import NotifyType
from services.protocol.store_pb2 import MarkReadRsp
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.runtime.logs import request_id
from services.runtime.push import PushBus
from services.runtime.rpc import Clients, Unavailable
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

NO_SESSION = "登录已失效，请重新登录"
UNAVAILABLE = "服务暂不可用，请稍后重试"
FAILED = "服务器内部错误，请稍后重试"
TOO_OFTEN = "操作过于频繁，请稍后再试"
REFUSED = "操作失败"
RETRY_AFTER_MS = {"unavailable": 1000, "failed": 10_000}
"""When a client may repeat a send that no service could take, or that ended in an error: it may be stored all the same, so
a refusal without this, which is final, would be a lie."""


def message_batch(request_id: str, answer: SendRsp, *, except_session: str, except_connection: int) -> DeliveryBatch:
    """What the members of a conversation are pushed for a message that was made durable. Filled in place: every nesting
    given to a constructor would copy the picture or file once more."""
    batch = DeliveryBatch()
    delivery = batch.delivery.add()
    delivery.user_id.extend(answer.member_id)
    delivery.notify.notify_type = NotifyType.CHAT_MESSAGE_NOTIFY
    delivery.notify.new_message_info.message_info.CopyFrom(answer.message)
    delivery.seq = answer.seq
    delivery.request_id = request_id
    delivery.repeat = answer.duplicate
    delivery.except_session = except_session
    delivery.except_connection = except_connection
    return batch


def read_delivery(user_id: str, answer: MarkReadRsp, connection: int) -> Delivery:
    """What the members of a conversation, and the reader's other devices, are pushed when `user_id` has read on."""
    event = ReadEvent(chat_session_id=answer.chat_session_id, user_id=user_id, read_seq=answer.read_seq)
    return Delivery(user_id={user_id, *answer.member_id}, frame=ServerFrame(read=event), except_connection=connection)


def milliseconds(seconds: float) -> int:
    """Rounded up, so that who waits that long has waited long enough."""
    return -int(-seconds * 1000 // 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The rate limiters: requests by session or address, sends by user."""

    requests: RateLimiter
    sends: RateLimiter


class Operations:
    """`monotonic` is the clock of the rate limits, in seconds."""

    def __init__(
        self,
        *,
        clients: Clients,
        push: PushBus,
        sessions: SessionCache,
        metrics: GatewayMetrics,
        limits: Limits,
        monotonic: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._push = push
        self.sessions = sessions
        self._metrics = metrics
        self._limits = limits
        self._monotonic = monotonic

    async def perform(self, route: Route, request: Any, address: str) -> Any:
        """Answers one request. `address` stands in for a session where there is none."""
        started = self._monotonic()
        request_id.set(request.request_id)
        response, result = await self._perform(route, request, address, started)
        self._metrics.results[route.path, result].inc()
        self._metrics.latency[route.path].observe(self._monotonic() - started)
        return response

    async def _perform(self, route: Route, request: Any, address: str, now: float) -> tuple[Any, str]:
        session: Session | None = None
        try:
            if route.authenticated:
                session = await self.sessions.validate(request.session_id)
            wait = self._limits.requests.take(session.key if session else subscriber_of(address), now)
            if wait:
                self._metrics.limited_requests.inc()
                return self._failure(route, request, TOO_OFTEN), "refused"
            if route.authenticated:
                if session is None:
                    return self._failure(route, request, NO_SESSION), "refused"
                request.user_id = session.user_id
            if route.send:
                assert session is not None  # noqa: S101 - the sending route is authenticated
                return await self._new_message(route, request, session)
            response = await self._clients.call(route.service, route.method, request, timeout=route.timeout)
            await self._push_deliveries(route, request, response)
        except Exception as error:  # noqa: BLE001 - the gateway stays up, the cause is in its log
            result, text = self._explain(error, route, request)
            return self._failure(route, request, text), result
        return response, self._finish(response)

    async def call(self, route: Route, request: Any, session: Session, connection: int) -> Any:
        """Answers a frame other than a send for an authenticated connection; its pushes do not go to `connection`."""
        started = self._monotonic()
        request_id.set(request.request_id)
        if self._limits.requests.take(session.key, started):
            self._metrics.limited_requests.inc()
            return self._failure(route, request, TOO_OFTEN)
        request.user_id = session.user_id
        request.session_id = session.token
        try:
            response = await self._clients.call(route.service, route.method, request, timeout=route.timeout)
            await self._push_deliveries(route, request, response, connection)
            result = self._finish(response)
        except Exception as error:  # noqa: BLE001 - as above
            result, text = self._explain(error, route, request)
            response = self._failure(route, request, text)
        self._metrics.results[route.path, result].inc()
        self._metrics.latency[route.path].observe(self._monotonic() - started)
        return response

    async def send(self, request: NewMessageReq, session: Session, connection: int) -> SendRsp:
        """Has the message of a frame made durable, pushes it, and returns what `connection` is to be told."""
        started = self._monotonic()
        request_id.set(request.request_id)
        answer, result = await self._send(request, session, connection)
        self._metrics.results[SEND.path, result].inc()
        self._metrics.latency[SEND.path].observe(self._monotonic() - started)
        return answer

    async def _send(self, request: NewMessageReq, session: Session, connection: int) -> tuple[SendRsp, str]:
        """`connection` 0: the send came by HTTP, and no connection gets its answer. The session's connections that could
        not recognise the message as their own are then left out of the push."""
        request.user_id = session.user_id
        request.session_id = session.token
        wait = self._limits.sends.take(session.user_id, self._monotonic())
        if wait:
            self._metrics.limited_sends.inc()
            return SendRsp(
                request_id=request.request_id, errmsg=TOO_OFTEN, retry_after_ms=milliseconds(wait)
            ), "refused"
        try:
            answer: SendRsp = await self._clients.call("transmit", "Send", request, timeout=SEND.timeout)
            if answer.success:
                batch = message_batch(
                    request.request_id,
                    answer,
                    except_session="" if connection else session.key,
                    except_connection=connection,
                )
                await self._push.publish(batch)
        except Exception as error:  # noqa: BLE001 - as above
            result, text = self._explain(error, SEND, request)
            retry_after = RETRY_AFTER_MS[result]
            return SendRsp(request_id=request.request_id, errmsg=text, retry_after_ms=retry_after), result
        return answer, self._finish(answer)

    async def _new_message(self, route: Route, request: NewMessageReq, session: Session) -> tuple[Any, str]:
        answer, result = await self._send(request, session, 0)
        response = route.response_type(request_id=request.request_id, success=answer.success, errmsg=answer.errmsg)
        return response, result

    async def _push_deliveries(self, route: Route, request: Any, response: Any, connection: int = 0) -> None:
        """Publishes what the response asks for, before the caller is answered, and takes internal fields out of it."""
        if not route.strip:
            return
        if "delivery" in route.strip:
            if response.delivery:
                await self._push.publish(DeliveryBatch(delivery=response.delivery))
        elif isinstance(response, MarkReadRsp) and response.advanced:
            await self._push.publish(DeliveryBatch(delivery=[read_delivery(request.user_id, response, connection)]))
        for name in route.strip:
            response.ClearField(name)

    def _finish(self, response: Any) -> str:
        """The result as counted. A failure always says why: a client that finds no errmsg takes it for a success."""
        if response.success:
            return "ok"
        if not response.errmsg:
            response.errmsg = REFUSED
        return "refused"

    def _failure(self, route: Route, request: Any, text: str) -> Any:
        return route.response_type(request_id=request.request_id, success=False, errmsg=text)

    def _explain(self, error: Exception, route: Route, request: Any) -> tuple[str, str]:
        """The result as counted, and what the client is told. The cause goes to the log."""
        about = {"path": route.path, "request_id": request.request_id, "user_id": getattr(request, "user_id", "")}
        if isinstance(error, Unavailable | StoreError | asyncio.TimeoutError):
            log.warning("%s is unavailable: %s", route.service, error, extra=about)
            return "unavailable", UNAVAILABLE
        log.error("%s failed", route.method, exc_info=error, extra=about)
        return "failed", FAILED
