"""New accounts: by name and password, or by phone number and code."""

from __future__ import annotations

from services.protocol import user_pb2
from services.runtime.context import Runtime
from services.runtime.ids import new_id
from services.runtime.refusal import Refusal
from services.stores.ports import Connection, UniqueViolation
from services.user import accounts
from services.user.announcement import announce
from services.user.passwords import Passwords
from services.user.phone_codes import PhoneCodes
from services.user.rules import check_password, check_phone, clean_nickname


class Registration:
    def __init__(self, runtime: Runtime, passwords: Passwords, codes: PhoneCodes) -> None:
        self._runtime = runtime
        self._passwords = passwords
        self._codes = codes

    async def user_register(self, request: user_pb2.UserRegisterReq) -> user_pb2.UserRegisterRsp:
        """Refused for a name or password against the rules and for a name that is taken."""
        nickname = clean_nickname(request.nickname)
        check_password(request.password)
        password_hash = await self._passwords.hash(request.password)
        user_id, now = new_id(), self._runtime.clock()

        def work(connection: Connection) -> None:
            accounts.insert(connection, user_id, nickname, password_hash=password_hash, now=now)
            announce(self._runtime, connection, user_id)

        try:
            await self._runtime.database.write(work)
        except UniqueViolation as error:
            raise Refusal("昵称已被使用") from error
        return user_pb2.UserRegisterRsp(request_id=request.request_id, success=True)

    async def phone_register(self, request: user_pb2.PhoneRegisterReq) -> user_pb2.PhoneRegisterRsp:
        """The account has no password, and its user id for a name until the person chooses one."""
        check_phone(request.phone_number)
        await self._codes.accept(request.phone_number, user_pb2.REGISTER, request.verify_code_id, request.verify_code)
        user_id, now = new_id(), self._runtime.clock()

        def work(connection: Connection) -> None:
            accounts.insert(connection, user_id, user_id, phone=request.phone_number, now=now)
            announce(self._runtime, connection, user_id)

        try:
            await self._runtime.database.write(work)
        except UniqueViolation as error:
            raise Refusal("该手机号已注册") from error
        return user_pb2.PhoneRegisterRsp(request_id=request.request_id, success=True)

    async def get_phone_verify_code(self, request: user_pb2.PhoneVerifyCodeReq) -> user_pb2.PhoneVerifyCodeRsp:
        """Sends a code, whether or not the number has an account: the answer does not tell."""
        check_phone(request.phone_number)
        code_id = await self._codes.send(request.phone_number, request.purpose)
        return user_pb2.PhoneVerifyCodeRsp(request_id=request.request_id, success=True, verify_code_id=code_id)
