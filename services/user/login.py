"""Coming in, staying in and going out: logins, the check of a login session, logout and change of password."""

from __future__ import annotations

from collections.abc import Awaitable

from prometheus_client import Counter

from services.protocol import user_pb2
from services.protocol.gateway_pb2 import DeliveryBatch
from services.runtime.context import Runtime
from services.runtime.push import session_key
from services.runtime.refusal import Refusal
from services.stores.ports import Connection
from services.user import accounts, login_sessions
from services.user.login_guard import LoginGuard
from services.user.login_sessions import LoginSessions
from services.user.passwords import Passwords
from services.user.phone_codes import PhoneCodes
from services.user.rules import PASSWORD_BYTES, check_password, check_phone

_WRONG = "用户名或密码错误"
_LONGEST_NAME = 64
_SESSION_GONE = "登录已失效，请重新登录"


class Login:
    def __init__(
        self, runtime: Runtime, passwords: Passwords, codes: PhoneCodes, sessions: LoginSessions, guard: LoginGuard
    ) -> None:
        self._runtime = runtime
        self._passwords = passwords
        self._codes = codes
        self._sessions = sessions
        self._guard = guard
        self._logins = Counter(
            "chatsystem_logins_total", "Logins by password or phone code.", ["result"], registry=runtime.metrics
        )

    async def user_login(self, request: user_pb2.UserLoginReq) -> user_pb2.UserLoginRsp:
        """An unknown name and a wrong password get the same answer after the same work."""
        token = await self._counted(self._by_password(request))
        return user_pb2.UserLoginRsp(request_id=request.request_id, success=True, login_session_id=token)

    async def phone_login(self, request: user_pb2.PhoneLoginReq) -> user_pb2.PhoneLoginRsp:
        """Whether the number has an account is told only to who holds a code for it."""
        token = await self._counted(self._by_phone(request))
        return user_pb2.PhoneLoginRsp(request_id=request.request_id, success=True, login_session_id=token)

    async def _counted(self, login: Awaitable[str]) -> str:
        try:
            token = await login
        except Refusal:
            self._logins.labels("refused").inc()
            raise
        self._logins.labels("ok").inc()
        return token

    async def _by_password(self, request: user_pb2.UserLoginReq) -> str:
        name = request.nickname.strip()
        if len(name.encode()) > _LONGEST_NAME or len(request.password.encode()) > PASSWORD_BYTES:
            raise Refusal(_WRONG)
        guarded = f"login {name}"
        await self._guard.begin(guarded)
        account = await self._runtime.database.read(lambda connection: accounts.by_nickname(connection, name))
        password_hash = account.password_hash if account else None
        if not await self._passwords.matches(request.password, password_hash) or account is None:
            raise Refusal(_WRONG)
        user_id = account.user_id

        def enter(connection: Connection) -> str | None:
            # A password changed meanwhile must not open a session that the change was to end.
            now = accounts.by_id(connection, user_id)
            if now is None or now.password_hash != password_hash:
                return None
            return self._sessions.open(connection, user_id)

        token = await self._runtime.database.write(enter)
        if token is None:
            raise Refusal(_WRONG)
        await self._guard.succeeded(guarded)
        return token

    async def _by_phone(self, request: user_pb2.PhoneLoginReq) -> str:
        phone = request.phone_number
        check_phone(phone)
        await self._codes.accept(phone, user_pb2.LOGIN, request.verify_code_id, request.verify_code)

        def enter(connection: Connection) -> str | None:
            account = accounts.by_phone(connection, phone)
            return self._sessions.open(connection, account.user_id) if account else None

        token = await self._runtime.database.write(enter)
        if token is None:
            raise Refusal("该手机号尚未注册")
        return token

    async def validate_session(self, request: user_pb2.ValidateSessionReq) -> user_pb2.ValidateSessionRsp:
        """Refused for a session that is unknown, expired or revoked."""
        session = await self._sessions.find(request.session_id)
        if session is None:
            raise Refusal(_SESSION_GONE)
        return user_pb2.ValidateSessionRsp(
            request_id=request.request_id, success=True, user_id=session.user_id, expires_at=session.expires_at
        )

    async def logout(self, request: user_pb2.LogoutReq) -> user_pb2.LogoutRsp:
        """Ends this login session or all of the user's, and closes their connections."""
        own = session_key(request.session_id)

        def leave(connection: Connection) -> list[str]:
            keys = login_sessions.keys_of(connection, request.user_id) if request.everywhere else [own]
            login_sessions.end(connection, request.user_id, keys)
            return keys

        keys = await self._runtime.database.write(leave)
        await self._revoked(keys, request.user_id if request.everywhere else "")
        return user_pb2.LogoutRsp(request_id=request.request_id, success=True)

    async def change_password(self, request: user_pb2.ChangePasswordReq) -> user_pb2.ChangePasswordRsp:
        """Needs the old password (if there is one) and ends all other login sessions."""
        user_id = request.user_id
        check_password(request.new_password)
        account = await self._runtime.database.read(lambda connection: accounts.by_id(connection, user_id))
        if account is None:
            raise Refusal("用户不存在")
        old_hash = account.password_hash
        if old_hash is not None:
            guarded = f"change {user_id}"
            await self._guard.begin(guarded)
            if len(request.old_password.encode()) > PASSWORD_BYTES or not await self._passwords.matches(
                request.old_password, old_hash
            ):
                raise Refusal("原密码错误")
            await self._guard.succeeded(guarded)
        new_hash = await self._passwords.hash(request.new_password)
        own = session_key(request.session_id)

        def change(connection: Connection) -> list[str] | None:
            if not accounts.replace_password(connection, user_id, old_hash, new_hash):
                return None
            others = [key for key in login_sessions.keys_of(connection, user_id) if key != own]
            login_sessions.end(connection, user_id, others)
            return others

        others = await self._runtime.database.write(change)
        if others is None:
            raise Refusal("密码刚刚已被修改，请重试")
        await self._revoked(others)
        return user_pb2.ChangePasswordRsp(request_id=request.request_id, success=True)

    async def _revoked(self, keys: list[str], user_id: str = "") -> None:
        await self._sessions.revoke(keys)
        await self._runtime.push.publish(DeliveryBatch(revoked_session=keys, revoked_user=[user_id] if user_id else []))
