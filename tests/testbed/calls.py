"""Replicas of transmit and user on real gRPC in this process, behind a network that can be cut, and callers of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest_asyncio

from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.protocol.user_pb2 import ValidateSessionReq, ValidateSessionRsp
from services.runtime.rpc import DESCRIPTORS, Clients
from services.runtime.rpc_remote import RemoteServices
from services.runtime.rpc_server import RpcServer
from services.runtime.rpc_tls import RpcTls
from services.stores.ports import Instance
from tests.testbed.proxy import Proxy

SECRET = "a secret of the processes"
SERVICES = ("transmit", "user")


class Directory:
    """A registry that names what the test says."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self._watchers: list[Callable[[str, list[Instance]], None]] = []

    async def watch(self, changed: Callable[[str, list[Instance]], None]) -> None:
        self._watchers.append(changed)
        self._tell(changed)

    def add(self, name: str, address: str) -> None:
        self.addresses[name] = address
        self.tell()

    def remove(self, name: str) -> None:
        del self.addresses[name]
        self.tell()

    def tell(self) -> None:
        for changed in self._watchers:
            self._tell(changed)

    def _tell(self, changed: Callable[[str, list[Instance]], None]) -> None:
        for service in SERVICES:
            changed(service, [Instance(service, name, address) for name, address in self.addresses.items()])


class Ledger:
    """What the replicas share, as they do a database: a send is in it once for each request id, in the order of arrival."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, str]] = []
        """(conversation, request id)."""
        self._known: set[str] = set()

    def store(self, request: NewMessageReq) -> int:
        if not request.request_id or request.request_id not in self._known:
            self._known.add(request.request_id)
            self.stored.append((request.chat_session_id, request.request_id))
        return len(self.stored)

    def of(self, conversation: str) -> list[str]:
        return [request_id for chat, request_id in self.stored if chat == conversation]


class Replica:
    """`gate` holds every send until it is set; `before` and `after` are awaited round the storing of one."""

    def __init__(self, name: str, ledger: Ledger) -> None:
        self.name = name
        self.ledger = ledger
        self.begun: list[NewMessageReq] = []
        self.validated: list[str] = []
        self.cancelled: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reply = b""
        self.server: RpcServer
        self.proxy: Proxy

    async def send(self, request: NewMessageReq) -> SendRsp:
        self.begun.append(request)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.request_id)
            raise
        return SendRsp(request_id=request.request_id, success=True, seq=self.ledger.store(request))

    async def validate(self, request: ValidateSessionReq) -> ValidateSessionRsp:
        self.validated.append(request.session_id)
        try:
            if request.session_id == "gated":
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.session_id)
            raise
        size = int(request.session_id.partition(":")[2] or 0)
        return ValidateSessionRsp(request_id=request.request_id, success=True, user_id=self.name + "x" * size)


class Network:
    def __init__(self) -> None:
        self.directory = Directory()
        self.ledger = Ledger()
        self.cleanup = contextlib.AsyncExitStack()

    async def replica(self, name: str, secret: str = SECRET, tls: RpcTls | None = None) -> Replica:
        """Serves, and is in the directory by the address of its proxy."""
        replica = Replica(name, self.ledger)
        clients = Clients()
        clients.host("transmit", {"Send": replica.send})
        handlers = dict.fromkeys((method.name for method in DESCRIPTORS["user"].methods), replica.validate)
        clients.host("user", handlers)
        replica.server = RpcServer(secret, {service: clients.hosted(service) for service in SERVICES}, tls)
        (port,) = await replica.server.start("127.0.0.1", [0])
        self.cleanup.push_async_callback(replica.server.stop, 0)
        replica.proxy = await self.cleanup.enter_async_context(Proxy("127.0.0.1", port))
        self.directory.add(name, f"127.0.0.1:{replica.proxy.port}")
        return replica

    async def caller(self, tls: RpcTls | None = None) -> Caller:
        remote = RemoteServices(self.directory, SECRET, tls)  # type: ignore[arg-type]
        self.cleanup.push_async_callback(remote.close)
        await remote.start()
        return Caller(remote, self.directory)


class Caller:
    def __init__(self, remote: RemoteServices, directory: Directory) -> None:
        self.remote = remote
        self._directory = directory

    def send(
        self, request_id: str = "r", conversation: str = "c", timeout: float = 10.0, **more: Any
    ) -> Awaitable[Any]:
        request = NewMessageReq(request_id=request_id, chat_session_id=conversation, **more)
        return self.remote.call("transmit", "Send", request, timeout)

    def validate(self, session_id: str = "s", timeout: float = 10.0) -> Awaitable[Any]:
        return self.remote.call("user", "ValidateSession", ValidateSessionReq(session_id=session_id), timeout)

    async def connected(self) -> None:
        """Returns when a stream to every replica of both services stands."""
        async with asyncio.timeout(5):
            for conversation, router in enumerate(self.remote._routers[service] for service in SERVICES):
                await (self.send(f"warm-{id(self)}", f"warm-{conversation}") if not conversation else self.validate())
                while not all(replica.ready for replica in router.replicas):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Returns when the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of another part, which has no event for it
            await asyncio.sleep(0.005)


def start(calls: Iterable[Awaitable[Any]]) -> list[asyncio.Future[Any]]:
    return [asyncio.ensure_future(call) for call in calls]


async def outcomes(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Answers and exceptions."""
    return await asyncio.gather(*calls, return_exceptions=True)


def names(count: int) -> list[str]:
    return [f"r{number}" for number in range(count)]


@pytest_asyncio.fixture(name="network")
async def calls_network() -> AsyncIterator[Network]:
    made = Network()
    yield made
    await made.cleanup.aclose()
