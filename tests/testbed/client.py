"""A second, independent client: bytes of its own over sockets of its own.

Each person may have any number of devices. A device is plain, as the existing clients are (authenticates once, then only
listens), or speaks frames (docs/protocol.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.testbed import websocket
from tests.testbed.http import HttpClient
from tests.testbed.operations import BY_NAME, Operation
from tests.testbed.schema import CODEC

PASSWORD = "secret_12"
_serial = itertools.count()


class Refused(Exception):
    """The answer has success=false. `text` is its errmsg."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def new_request_id() -> str:
    return secrets.token_hex(8)


def new_name(prefix: str = "u") -> str:
    """A nickname that nobody has, at most 21 bytes."""
    return f"{prefix}{next(_serial)}{secrets.token_hex(4)}"[:21]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: its raw bytes and what they say."""

    raw: bytes
    fields: dict[str, Any]


class Api:
    """The HTTP operations of one server, with or without a login session."""

    def __init__(self, host: str, http_port: int, websocket_port: int) -> None:
        self.host, self.http_port, self.websocket_port = host, http_port, websocket_port
        self.http = HttpClient(host, http_port)

    def move(self, http_port: int, websocket_port: int) -> None:
        """From now on the server is at other ports."""
        self.http_port, self.websocket_port = http_port, websocket_port
        self.http.move(self.host, http_port)

    async def exchange(self, name: str, *, timeout: float = 15.0, **fields: Any) -> Reply:
        """Asks and decodes strictly. HTTP statuses other than 200 are an AssertionError."""
        operation = BY_NAME[name]
        request = {"request_id": new_request_id(), **fields}
        body = CODEC.encode(operation.request, request)
        return await self.exchange_bytes(operation, body, timeout=timeout)

    async def exchange_bytes(self, operation: Operation, body: bytes, *, timeout: float = 15.0) -> Reply:
        headers = {"Content-Type": "application/x-protobuf"}
        answer = await self.http.request("POST", operation.path, body, headers, timeout=timeout)
        assert answer.status == 200, f"{operation.path}: HTTP {answer.status} {answer.body[:200]!r}"
        return Reply(answer.body, CODEC.decode(operation.response, answer.body))

    async def call(self, name: str, **fields: Any) -> dict[str, Any]:
        """The fields of a successful answer. Raises Refused."""
        reply = await self.exchange(name, **fields)
        if not reply.fields["success"]:
            raise Refused(reply.fields["errmsg"])
        return reply.fields

    async def register(self, nickname: str | None = None, password: str = PASSWORD) -> Person:
        """A new account, logged in."""
        name = nickname or new_name()
        await self.call("username_register", nickname=name, password=password)
        return await self.login(name, password)

    async def login(self, nickname: str, password: str = PASSWORD) -> Person:
        answer = await self.call("username_login", nickname=nickname, password=password)
        person = Person(self, nickname, answer["login_session_id"])
        person.user_id = (await person.call("get_user_info"))["user_info"]["user_id"]
        return person

    async def close(self) -> None:
        await self.http.close()


@dataclass
class Person:
    """One login session of somebody."""

    api: Api
    nickname: str
    session_id: str
    user_id: str = ""
    devices: list[Device] = field(default_factory=list)

    async def call(self, name: str, **fields: Any) -> dict[str, Any]:
        """An operation in this person's name. Raises Refused."""
        return await self.api.call(name, session_id=self.session_id, **fields)

    async def exchange(self, name: str, **fields: Any) -> Reply:
        return await self.api.exchange(name, session_id=self.session_id, **fields)

    async def send(self, chat_session_id: str, message: dict[str, Any], request_id: str | None = None) -> None:
        """Sends over HTTP. Raises Refused."""
        await self.call(
            "new_message",
            request_id=request_id or new_request_id(),
            chat_session_id=chat_session_id,
            message=message,
        )

    async def listen(self, path: str = "/") -> Device:
        """A plain device."""
        return await self._open(path, protocol=None)

    async def connect(self, path: str = "/ws") -> FrameDevice:
        """A device that speaks frames, after its welcome."""
        device = await self._open(path, protocol=1)
        assert isinstance(device, FrameDevice)
        device.welcome = await device.wait(lambda frame: frame["welcome"])
        return device

    async def _open(self, path: str, protocol: int | None) -> Device:
        socket = await websocket.connect(self.api.host, self.api.websocket_port, path)
        request = {"request_id": new_request_id(), "session_id": self.session_id, "protocol": protocol}
        await socket.send(CODEC.encode("ClientAuthenticationReq", request))
        device = (FrameDevice if protocol else Device)(socket)
        self.devices.append(device)
        return device

    async def history(self, chat_session_id: str) -> list[dict[str, Any]]:
        """All messages of a conversation as the browser client asks for them."""
        answer = await self.call(
            "get_history",
            chat_session_id=chat_session_id,
            start_time=946_684_800,
            over_time=4_000_000_000,
            exclude_file_content=True,
        )
        return answer["msg_list"]

    async def conversations(self) -> dict[str, dict[str, Any]]:
        """All conversations by id, through all pages."""
        found: dict[str, dict[str, Any]] = {}
        token = ""
        while True:
            answer = await self.call("get_conversations", limit=50, page_token=token)
            found |= {item["info"]["chat_session_id"]: item for item in answer["conversation"]}
            token = answer["next_page_token"]
            if not token:
                return found


class Device:
    """A WebSocket connection with everything that arrived on it, in order, as raw payloads and decoded."""

    message_type = "NotifyMessage"

    def __init__(self, socket: websocket.WebSocket) -> None:
        self.socket = socket
        self.raw: list[bytes] = []
        self.received: list[dict[str, Any]] = []
        self.closed: websocket.Closed | None = None
        self.problem: BaseException | None = None
        """An error of the server's bytes: a test that waits gets it raised."""
        self._taken = 0
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                opcode, payload = await self.socket.receive()
                assert opcode == websocket.BINARY, f"opcode {opcode}"
                self.raw.append(payload)
                self._arrived(CODEC.decode(self.message_type, payload))
        except websocket.Closed as closed:
            self.closed = closed
        except (ValueError, AssertionError) as error:
            self.problem = error
        finally:
            self._news.set()

    def _arrived(self, message: dict[str, Any]) -> None:
        self.received.append(message)
        self._news.set()

    async def next(self, timeout: float = 5.0) -> dict[str, Any]:
        """The next message that was not taken yet. Raises TimeoutError, Closed."""
        async with asyncio.timeout(timeout):
            while self._taken >= len(self.received):
                if self.problem is not None:
                    raise self.problem
                if self.closed is not None:
                    raise self.closed
                self._news.clear()
                await self._news.wait()
        self._taken += 1
        return self.received[self._taken - 1]

    def forget(self) -> None:
        """Lets go of what was taken, of which a long run would keep too much."""
        del self.received[: self._taken]
        self.raw.clear()
        self._taken = 0

    async def wait(self, pick: Callable[[dict[str, Any]], Any], timeout: float = 5.0) -> Any:
        """Takes messages until `pick` returns something true, and returns that."""
        async with asyncio.timeout(timeout):
            while True:
                if picked := pick(await self.next(timeout)):
                    return picked

    async def notification(self, kind: int, timeout: float = 5.0) -> dict[str, Any]:
        """The next notification of a kind; others are taken and dropped."""
        return await self.wait(lambda message: message if message["notify_type"] == kind else None, timeout)

    def pending(self) -> list[dict[str, Any]]:
        """What has arrived and was not taken."""
        return self.received[self._taken :]

    async def closing(self, timeout: float = 5.0) -> websocket.Closed:
        """Waits for the server to close the connection."""
        async with asyncio.timeout(timeout):
            await asyncio.shield(self._reading)
        if self.problem is not None:
            raise self.problem
        assert self.closed is not None
        return self.closed

    async def close(self) -> None:
        await self.socket.close()
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    def cut(self) -> None:
        """Breaks the connection without a word."""
        self.socket.reset()


class FrameDevice(Device):
    """A device that speaks frames: answers are matched by request_id, everything else is kept in order."""

    message_type = "ServerFrame"

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._answers: dict[tuple[str, str], asyncio.Future[dict[str, Any]]] = {}
        self.welcome: dict[str, Any] = {}
        super().__init__(socket)

    async def _read(self) -> None:
        await super()._read()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(self.problem or self.closed or websocket.Closed(1006))

    def _arrived(self, message: dict[str, Any]) -> None:
        for kind in ("ack", "sync", "mark_read", "pong"):
            if message[kind] is not None:
                waiting = self._answers.pop((kind, message[kind]["request_id"]), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message[kind])
                    return
        super()._arrived(message)

    async def ask(self, kind: str, answer: str, timeout: float = 15.0, **fields: Any) -> dict[str, Any]:
        """Sends a ClientFrame and returns the answer that bears its request_id. Raises Closed, TimeoutError."""
        request = {"request_id": new_request_id(), **fields}
        waiting = asyncio.get_running_loop().create_future()
        self._answers[answer, request["request_id"]] = waiting
        if self._reading.done():
            raise self.problem or self.closed or websocket.Closed(1006)
        await self.socket.send(CODEC.encode("ClientFrame", {kind: request}))
        return await asyncio.wait_for(waiting, timeout)

    async def send(
        self, chat_session_id: str, message: dict[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        """The acknowledgement, whether it says success or not."""
        return await self.ask(
            "send",
            "ack",
            request_id=request_id or new_request_id(),
            chat_session_id=chat_session_id,
            message=message,
        )

    async def sync(self, cursors: dict[str, int], epoch: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """One synchronisation answer."""
        cursor = [{"chat_session_id": name, "seq": seq} for name, seq in cursors.items()]
        known = self.welcome.get("epoch", "") if epoch is None else epoch
        return await self.ask("sync", "sync", epoch=known, cursor=cursor, limit=limit)

    async def mark_read(self, chat_session_id: str, seq: int) -> dict[str, Any]:
        return await self.ask("mark_read", "mark_read", chat_session_id=chat_session_id, seq=seq)

    async def ping(self) -> dict[str, Any]:
        return await self.ask("ping", "pong")

    async def message(self, timeout: float = 5.0) -> dict[str, Any]:
        """The next Event that carries a chat message; other frames are dropped."""
        return await self.wait(
            lambda frame: frame["event"] if frame["event"] and frame["event"]["notify"]["new_message_info"] else None,
            timeout,
        )


async def befriend(one: Person, other: Person) -> str:
    """Makes two people friends; the id of their conversation."""
    await one.call("add_friend_apply", respondent_id=other.user_id)
    answer = await other.call("add_friend_process", agree=True, apply_user_id=one.user_id)
    return answer["new_session_id"]


async def make_group(owner: Person, *others: Person, name: str = "组") -> str:
    """A new group with these people; its id. They must be friends of the owner."""
    before = set(await owner.conversations())
    members = [owner.user_id, *(person.user_id for person in others)]
    await owner.call("create_chat_session", chat_session_name=name, member_id_list=members)
    (created,) = set(await owner.conversations()) - before
    return created
