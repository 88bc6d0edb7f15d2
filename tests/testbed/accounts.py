"""People, friends and groups on the real services and stores in one process: the ground for tests of the services."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from services.file.service import FileService
from services.friend.service import FriendService
from services.protocol import base_pb2, friend_pb2, transmit_pb2, user_pb2
from services.protocol.gateway_pb2 import DeliveryBatch
from services.runtime.ids import new_id
from services.runtime.rpc import Clients, Unavailable
from services.store.service import StoreService
from services.stores.redis_cache import RedisCache
from services.transmit.service import TransmitService
from services.user.service import UserService
from services.user.sms import SmsError
from tests.testbed.process import free_ports
from tests.testbed.runtime import TestRuntime

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


@dataclass(frozen=True)
class Person:
    user_id: str
    token: str


class Phone:
    """A text message service whose messages the test reads."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.error: SmsError | None = None

    async def send(self, phone: str, code: str, message_id: str) -> None:
        if self.error is not None:
            raise self.error
        self.codes[phone] = code

    async def close(self) -> None:
        return None


class CountingClients(Clients):
    """Remembers which service called which method, and can lose a service."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []
        self.dropped: set[str] = set()

    async def call(self, service: str, method: str, request: Message, *, timeout: float = 10.0) -> Any:
        self.calls.append((service, method))
        if service in self.dropped:
            raise Unavailable(f"no replica of service {service} is known")
        return await super().call(service, method, request, timeout=timeout)


class World:
    """One system of all services but gateway and speech, without their background work."""

    def __init__(self, runtime: TestRuntime) -> None:
        self.runtime = runtime
        self.clock = runtime.clock
        self.sms = Phone()
        self.codes = self.sms.codes
        self.pushed: list[DeliveryBatch] = []
        runtime.push.attach(self.pushed.append)
        runtime.clients = self._clients = CountingClients()
        self.calls = self._clients.calls
        self._retired: list[UserService] = []
        for service in (StoreService(runtime), TransmitService(runtime)):
            self._clients.host(service.name, dict(service.handlers))
        self.rebuild()

    def rebuild(self) -> None:
        """Makes the services anew, with the settings and stores of now."""
        self.runtime.metrics = CollectorRegistry()
        self.user_service = UserService(self.runtime, self.sms)
        self._retired.append(self.user_service)
        for service in (self.user_service, FriendService(self.runtime), FileService(self.runtime)):
            self._clients.host(service.name, dict(service.handlers))

    async def close(self) -> None:
        for service in self._retired:
            await service.stop()

    def set(self, service: str, name: str, value: float) -> None:
        """Changes a setting."""
        values = {**self.runtime.settings.values, (service, name): value}
        self.runtime.settings = replace(self.runtime.settings, values=values)
        self.rebuild()

    def cut_cache(self) -> None:
        """From now on nobody answers where the cache was."""
        self.runtime.cache = RedisCache(f"redis://127.0.0.1:{free_ports(1)[0]}/0", timeout=0.2)
        self.rebuild()

    def drop(self, service: str) -> None:
        """No replica of the service is left."""
        self._clients.dropped.add(service)

    async def call(self, service: str, method: str, request: Message) -> Any:
        return await self._clients.call(service, method, request)

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return await self.runtime.database.read(lambda connection: connection.execute(sql, parameters))

    async def change(self, sql: str, *parameters: object) -> None:
        await self.runtime.database.write(lambda connection: connection.change(sql, parameters))

    async def forget_cache(self) -> None:
        """The cache loses what it knew of login sessions."""
        for (key,) in await self.rows("SELECT token_hash FROM login_session"):
            await self.runtime.cache.delete(f"session:{key}")

    async def login(self, name: str, password: str) -> user_pb2.UserLoginRsp:
        answer: user_pb2.UserLoginRsp = await self.call(
            "user", "UserLogin", user_pb2.UserLoginReq(nickname=name, password=password)
        )
        return answer

    async def whose(self, token: str) -> str | None:
        """The user of a login session."""
        answer = await self.call("user", "ValidateSession", user_pb2.ValidateSessionReq(session_id=token))
        return str(answer.user_id) if answer.success else None

    async def register(self, name: str, password: str = "secret-1") -> Person:
        answer = await self.call("user", "UserRegister", user_pb2.UserRegisterReq(nickname=name, password=password))
        assert answer.success, answer.errmsg
        login = await self.login(name, password)
        assert login.success, login.errmsg
        return Person(await self.whose(login.login_session_id) or "", login.login_session_id)

    async def register_by_phone(self, phone: str) -> Person:
        """Leaves no wait for the next code."""
        for method, request in (("PhoneRegister", user_pb2.PhoneRegisterReq), ("PhoneLogin", user_pb2.PhoneLoginReq)):
            await self.runtime.cache.delete(f"code:pause:{phone}")
            sent = await self.call("user", "GetPhoneVerifyCode", user_pb2.PhoneVerifyCodeReq(phone_number=phone))
            answer = await self.call(
                "user",
                method,
                request(phone_number=phone, verify_code_id=sent.verify_code_id, verify_code=self.codes[phone]),
            )
            assert answer.success, answer.errmsg
        return Person(await self.whose(answer.login_session_id) or "", answer.login_session_id)

    async def info(self, person: Person) -> base_pb2.UserInfo:
        answer = await self.call("user", "GetUserInfo", user_pb2.GetUserInfoReq(user_id=person.user_id))
        assert answer.success, answer.errmsg
        return base_pb2.UserInfo.FromString(answer.user_info.SerializeToString())

    async def set_avatar(self, person: Person) -> None:
        request = user_pb2.SetUserAvatarReq(user_id=person.user_id, avatar=PNG)
        assert (await self.call("user", "SetUserAvatar", request)).success

    async def people(self, *names: str) -> list[Person]:
        """Accounts without the cost of a password."""
        people = [Person(new_id(), "") for _ in names]
        for person, name in zip(people, names, strict=True):
            await self.change(
                "INSERT INTO user (user_id, nickname, nickname_folded, created_at) VALUES (?, ?, ?, 0)",
                person.user_id,
                name,
                name.casefold(),
            )
        return people

    async def befriend(self, one: Person, other: Person) -> str:
        """Returns the id of their conversation."""
        asked = friend_pb2.FriendAddReq(user_id=one.user_id, respondent_id=other.user_id)
        assert (await self.call("friend", "FriendAdd", asked)).success
        decided = friend_pb2.FriendAddProcessReq(user_id=other.user_id, apply_user_id=one.user_id, agree=True)
        return str((await self.call("friend", "FriendAddProcess", decided)).new_session_id)

    async def friends(self, first: str, *others: str) -> list[Person]:
        """People of whom the first one is everybody's friend."""
        people = await self.people(first, *others)
        for other in people[1:]:
            await self.befriend(people[0], other)
        return people

    async def single(self, one: Person, other: Person) -> str:
        """The conversation of two friends."""
        pair = " ".join(sorted((one.user_id, other.user_id)))
        return str((await self.rows("SELECT chat_session_id FROM chat_session WHERE pair_key = ?", pair))[0][0])

    async def group(self, owner: Person, *members: Person) -> str:
        answer = await self.call(
            "friend",
            "ChatSessionCreate",
            friend_pb2.ChatSessionCreateReq(
                user_id=owner.user_id, chat_session_name="群", member_id_list=[member.user_id for member in members]
            ),
        )
        assert answer.success, answer.errmsg
        return str(answer.chat_session_info.chat_session_id)

    async def leave(self, group: str, member: Person) -> None:
        request = friend_pb2.ChatSessionRemoveMemberReq(
            user_id=member.user_id, chat_session_id=group, member_id=member.user_id
        )
        assert (await self.call("friend", "ChatSessionRemoveMember", request)).success

    async def say(self, session_id: str, sender: Person, text: str = "hi", *, file_id: str = "") -> None:
        """Sends a text, or a file that the sender has stored."""
        content = base_pb2.MessageContent(string_message=base_pb2.StringMessageInfo(content=text))
        if file_id:
            content = base_pb2.MessageContent(
                message_type=base_pb2.FILE, file_message=base_pb2.FileMessageInfo(file_id=file_id, file_name="a.txt")
            )
        request = transmit_pb2.NewMessageReq(
            request_id=new_id(), user_id=sender.user_id, chat_session_id=session_id, message=content
        )
        answer = await self.call("transmit", "Send", request)
        assert answer.success, answer.errmsg
