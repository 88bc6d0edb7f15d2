"""A gateway on free ports in front of small hand-written services, and clients for it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
from prometheus_client import CollectorRegistry

from services.gateway.service import Gateway
from services.observation.samples import Samples
from services.protocol import base_pb2, friend_pb2, store_pb2, transmit_pb2, user_pb2
from services.protocol.gateway_pb2 import (
    ClientAuthenticationReq,
    ClientFrame,
    Delivery,
    DeliveryBatch,
    ServerFrame,
)
from services.protocol.notify_pb2 import NotifyFriendAddApply, NotifyMessage
from services.runtime.context import Runtime
from services.runtime.push import PushBus, session_key
from services.runtime.refusal import Refusal
from services.runtime.rpc import DESCRIPTORS, Clients, Remote, Unavailable
from services.runtime.settings import read_settings
from services.stores.ports import Instance, Registry
from tests.testbed.push import LocalPushBus


def token_of(user_id: str, device: int = 1) -> str:
    """The login session that the user service below knows for a user."""
    return f"token-{user_id}-{device}".ljust(24, "x")


class Backend:
    """The services behind the gateway, as far as the tests need them. Every known token is valid until it is revoked."""

    def __init__(self, push: PushBus) -> None:
        self.push = push
        self.members: dict[str, list[str]] = {"c1": ["alice", "bob", "carol"]}
        self.revoked: set[str] = set()
        self.sent: list[transmit_pb2.NewMessageReq] = []
        self.seen: list[Any] = []
        self.validations = 0
        self.by_request: dict[tuple[str, str], transmit_pb2.SendRsp] = {}
        self.hold: Callable[[transmit_pb2.NewMessageReq], Awaitable[None]] | None = None
        self.epoch = "epoch-1"
        self.down: set[str] = set()

    def host(self, clients: Clients, away: str = "") -> None:
        """Makes the services callable in this process, except the one that is `away`."""
        for service, described in DESCRIPTORS.items():
            if service == away:
                continue
            handlers = {method.name: self._handler(service, method.name) for method in described.methods}
            clients.host(service, handlers)

    def _handler(self, service: str, method: str) -> Callable[[Any], Awaitable[Any]]:
        async def call(request: Any) -> Any:
            if service in self.down:
                raise Unavailable(f"{service} is down")
            name = re.sub("([A-Z])", r"_\1", method).lower()
            handler = getattr(self, service + name, None)
            if handler is None:
                raise RuntimeError(f"the tests do not serve {method}")
            self.seen.append(request)
            return await handler(request)

        return call

    async def user_validate_session(self, request: Any) -> Any:
        self.validations += 1
        token = request.session_id
        if not token.startswith("token-") or token in self.revoked:
            return user_pb2.ValidateSessionRsp(errmsg="会话无效")
        user_id = token.split("-")[1]
        return user_pb2.ValidateSessionRsp(success=True, user_id=user_id, expires_at=int(time.time()) + 3600)

    async def user_user_login(self, request: Any) -> Any:
        if request.password != "secret":
            raise Refusal("用户名或密码错误")
        return user_pb2.UserLoginRsp(
            request_id=request.request_id, success=True, login_session_id=token_of(request.nickname)
        )

    async def user_logout(self, request: Any) -> Any:
        self.revoked.add(request.session_id)
        await self.push.publish(DeliveryBatch(revoked_session=[session_key(request.session_id)]))
        return user_pb2.LogoutRsp(request_id=request.request_id, success=True)

    async def user_get_user_info(self, request: Any) -> Any:
        info = base_pb2.UserInfo(user_id=request.user_id, nickname=request.user_id)
        return user_pb2.GetUserInfoRsp(request_id=request.request_id, success=True, user_info=info)

    async def user_set_user_nickname(self, request: Any) -> Any:
        return user_pb2.SetUserNicknameRsp(request_id=request.request_id)

    async def friend_friend_add(self, request: Any) -> Any:
        notify = NotifyMessage(
            friend_add_apply=NotifyFriendAddApply(user_info=base_pb2.UserInfo(user_id=request.user_id, nickname="甲"))
        )
        return friend_pb2.FriendAddRsp(
            request_id=request.request_id,
            success=True,
            notify_event_id="event",
            delivery=[Delivery(user_id=[request.respondent_id], notify=notify)],
        )

    async def friend_chat_session_create(self, request: Any) -> Any:
        info = base_pb2.ChatSessionInfo(chat_session_id="c2", chat_session_name=request.chat_session_name)
        return friend_pb2.ChatSessionCreateRsp(request_id=request.request_id, success=True, chat_session_info=info)

    async def friend_chat_session_add_member(self, request: Any) -> Any:
        return friend_pb2.ChatSessionAddMemberRsp(request_id=request.request_id, success=True)

    async def store_sync(self, request: Any) -> Any:
        return store_pb2.SyncRsp(request_id=request.request_id, success=True, epoch=self.epoch, complete=True)

    async def store_mark_read(self, request: Any) -> Any:
        return store_pb2.MarkReadRsp(
            request_id=request.request_id,
            success=True,
            chat_session_id=request.chat_session_id,
            read_seq=request.seq,
            member_id=self.members[request.chat_session_id],
            advanced=True,
        )

    async def transmit_send(self, request: Any) -> Any:
        if request.user_id not in self.members.get(request.chat_session_id, ()):
            raise Refusal("您不是该会话的成员")
        self.sent.append(request)
        key = (request.user_id, request.request_id)
        earlier = self.by_request.get(key)
        if earlier is not None:
            again = transmit_pb2.SendRsp()
            again.CopyFrom(earlier)
            again.duplicate = True
            return again
        seq = len(self.by_request) + 1
        answer = transmit_pb2.SendRsp(
            request_id=request.request_id,
            success=True,
            seq=seq,
            member_id=self.members[request.chat_session_id],
            message=base_pb2.MessageInfo(
                message_id=f"m{seq}",
                chat_session_id=request.chat_session_id,
                timestamp=1_700_000_000 + seq,
                sender=base_pb2.UserInfo(user_id=request.user_id, nickname=request.user_id),
                message=request.message,
            ),
        )
        self.by_request[key] = answer
        if self.hold is not None:
            await self.hold(request)
        return answer


class Socket:
    """A WebSocket client. `plain` connections read NotifyMessage bytes, the others ServerFrame."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, **frame: Any) -> None:
        await self.ws.send_bytes(ClientFrame(**frame).SerializeToString())

    async def bytes(self) -> bytes:
        message = await self.ws.receive(timeout=5)
        assert message.type == aiohttp.WSMsgType.BINARY, message
        return message.data

    async def frame(self) -> ServerFrame:
        return ServerFrame.FromString(await self.bytes())

    async def closed(self) -> tuple[int | None, str]:
        """Waits for the close frame and returns its code and reason."""
        message = await self.ws.receive(timeout=5)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), message
        return self.ws.close_code, str(message.extra or "")

    async def silent(self, seconds: float = 0.1) -> None:
        """Asserts that nothing arrives."""
        with contextlib.suppress(TimeoutError):
            message = await self.ws.receive(timeout=seconds)
            raise AssertionError(f"unexpected {message}")


class System:
    """A running gateway with its backend."""

    def __init__(self, gateway: Gateway, backend: Backend, runtime: Runtime, http: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.backend = backend
        self.runtime = runtime
        self.http = http

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.http_port}"

    async def post(self, path: str, request: Any, response_type: Any) -> Any:
        async with self.http.post(self.url + path, data=request.SerializeToString()) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "application/x-protobuf"
            return response_type.FromString(await answer.read())

    async def send(self, user_id: str, text: str, request_id: str = "r1", chat: str = "c1", device: int = 1) -> Any:
        return await self.post(
            "/service/message_transmit/new_message",
            new_message(text, request_id, chat, token_of(user_id, device)),
            transmit_pb2.NewMessageRsp,
        )

    async def socket(self) -> Socket:
        return Socket(await self.http.ws_connect(f"http://127.0.0.1:{self.gateway.websocket_port}/ws"))

    async def connect(self, user_id: str, protocol: int = 1, device: int = 1) -> Socket:
        """An authenticated client; a frame client's Welcome has been read."""
        socket = await self.socket()
        known = len(self.gateway._connections)
        request = ClientAuthenticationReq(request_id="a", session_id=token_of(user_id, device), protocol=protocol)
        await socket.ws.send_bytes(request.SerializeToString())
        if protocol:
            frame = await socket.frame()
            assert frame.welcome.user_id == user_id
        await eventually(lambda: len(self.gateway._connections) > known)
        return socket


def new_message(text: str, request_id: str, chat: str = "c1", token: str = "") -> transmit_pb2.NewMessageReq:
    return transmit_pb2.NewMessageReq(
        request_id=request_id,
        session_id=token,
        chat_session_id=chat,
        message=base_pb2.MessageContent(string_message=base_pb2.StringMessageInfo(content=text)),
    )


async def eventually(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns when the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of another part, which has no event for it
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(
    push: PushBus | None = None, remote: str = "", tls: ssl.SSLContext | None = None, **settings: str
) -> AsyncIterator[System]:
    """A gateway with these settings, named as in the catalogue, on a push bus of its own or on the given one. Calls to the
    service `remote` go over gRPC to two replicas. `tls` encrypts its ports."""
    from services.catalogue import BY_NAME

    defaults = {"drainWindow": "0s"}
    keys = {key.name: key for key in BY_NAME["gateway"].config}
    environment = {keys[name].variable("gateway"): value for name, value in (defaults | settings).items()}
    push = push or LocalPushBus()
    backend = Backend(push)
    cleanup = contextlib.AsyncExitStack()
    clients = Clients(await _far_away(backend, remote, cleanup) if remote else None)
    backend.host(clients, remote)
    unused = SimpleNamespace()
    metrics = CollectorRegistry()
    runtime = Runtime(
        settings=read_settings(("gateway",), environment),
        clients=clients,
        push=push,
        metrics=metrics,
        clock=time.time,
        database=unused,
        cache=unused,
        queue=unused,
        search=unused,
        files=unused,
        samples=Samples(metrics),
    )
    gateway = Gateway(runtime, "127.0.0.1", 0, 0, tls)
    await gateway.start()
    async with aiohttp.ClientSession() as http:
        try:
            yield System(gateway, backend, runtime, http)
        finally:
            await gateway.stop()
            await cleanup.aclose()


async def _far_away(backend: Backend, service: str, cleanup: contextlib.AsyncExitStack) -> Remote:
    """Two replicas of a service of the backend behind gRPC, and the way to them."""
    from services.runtime.rpc_remote import RemoteServices
    from services.runtime.rpc_server import RpcServer

    far = Clients()
    backend.host(far)
    instances = []
    for name in ("one", "two"):
        server = RpcServer("a secret of the processes", {service: far.hosted(service)})
        (port,) = await server.start("127.0.0.1", [0])
        cleanup.push_async_callback(server.stop, 0)
        instances.append(Instance(service, name, f"127.0.0.1:{port}"))

    async def watch(changed: Callable[[str, list[Instance]], None]) -> None:
        changed(service, instances)

    remote = RemoteServices(cast(Registry, SimpleNamespace(watch=watch)), "a secret of the processes")
    await remote.start()
    cleanup.push_async_callback(remote.close)
    return remote.call
