"""The user service as the runtime hosts it: its parts, its handlers by RPC name, its background work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from services.protocol.gateway_pb2 import DeliveryBatch
from services.runtime.context import Hosted, Runtime
from services.stores.ports import StoreError
from services.user.directory import Directory
from services.user.login import Login
from services.user.login_guard import LoginGuard
from services.user.login_sessions import LoginSessions
from services.user.passwords import Passwords
from services.user.phone_codes import CodeLimits, PhoneCodes
from services.user.profile import Profile
from services.user.registration import Registration
from services.user.sms import HttpSms, LogSms, SmsSender

log = logging.getLogger(__name__)

_SWEEP_INTERVAL = 3600.0
_TELL_INTERVAL = 60.0
"""Seconds between two words about revoked sessions: whoever missed the first one serves them no longer than that."""


class UserService:
    name = "user"

    def __init__(self, runtime: Runtime, sms: SmsSender, draw: Callable[[], str] | None = None) -> None:
        settings = runtime.settings
        self._sms = sms
        self._passwords = Passwords()
        runtime.pools.watch(self._passwords.pool)
        self.sessions = LoginSessions(
            runtime.database,
            runtime.cache,
            runtime.clock,
            settings.number("user", "sessionLifetime"),
            runtime.metrics,
        )
        limits = CodeLimits(
            lifetime=settings.number("user", "codeLifetime"),
            attempts=settings.integer("user", "codeAttempts"),
            interval=settings.number("user", "codeInterval"),
            per_day=settings.integer("user", "codesPerDay"),
        )
        codes = PhoneCodes(runtime.cache, sms, limits, draw)
        guard = LoginGuard(runtime.cache, settings.integer("user", "loginFailures"))
        registration = Registration(runtime, self._passwords, codes)
        login = Login(runtime, self._passwords, codes, self.sessions, guard)
        directory = Directory(runtime)
        profile = Profile(runtime, directory, codes, settings.integer("user", "maxAvatarSize"))
        self._push = runtime.push
        self._background: list[asyncio.Task[None]] = []
        self._stopping = False
        self.handlers: Mapping[str, Callable[..., Any]] = {
            "GetPhoneVerifyCode": registration.get_phone_verify_code,
            "UserRegister": registration.user_register,
            "PhoneRegister": registration.phone_register,
            "UserLogin": login.user_login,
            "PhoneLogin": login.phone_login,
            "ValidateSession": login.validate_session,
            "Logout": login.logout,
            "ChangePassword": login.change_password,
            "GetUserInfo": profile.get_user_info,
            "SetUserAvatar": profile.set_avatar,
            "SetUserNickname": profile.set_nickname,
            "SetUserDescription": profile.set_description,
            "SetUserPhoneNumber": profile.set_phone,
            "GetMultiUserInfo": directory.get_multi_user_info,
            "FindUsers": directory.find_users,
        }

    async def start(self) -> None:
        self._background = [
            asyncio.create_task(self._sweep(), name="sweep of login sessions"),
            asyncio.create_task(self._tell(), name="revoked login sessions"),
        ]

    async def drain(self) -> None:
        """Every call is finished by the RPC layer before this; nothing is left over."""

    async def stop(self) -> None:
        # The flag too: the client of a store can swallow a cancellation by its own time-outs.
        self._stopping = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.sessions.close()
        await self._passwords.close()
        await self._sms.close()

    async def _sweep(self) -> None:
        while not self._stopping:
            try:
                await self.sessions.sweep()
            except StoreError as error:
                log.warning("expired login sessions are not deleted for now: %s", error)
            except Exception:
                log.exception("expired login sessions could not be deleted")
            await asyncio.sleep(_SWEEP_INTERVAL)

    async def tell_again(self) -> None:
        """Tells the cache and the gateways of revoked sessions, should they not know. Raises StoreError."""
        if keys := await self.sessions.tell_again():
            await self._push.publish(DeliveryBatch(revoked_session=keys))

    async def _tell(self) -> None:
        while not self._stopping:
            try:
                await self.tell_again()
            except StoreError as error:
                log.warning("not everybody was told of revoked login sessions, it is tried again: %s", error)
            except Exception:
                log.exception("nobody could be told of revoked login sessions")
            if not self._stopping:
                await asyncio.sleep(_TELL_INTERVAL)


def create(runtime: Runtime) -> Hosted:
    """The service with the text message sender that the settings name."""
    url = runtime.settings.text("user", "smsUrl")
    sms: SmsSender = HttpSms(url, runtime.settings.text("user", "smsTokenFile")) if url else LogSms()
    return UserService(runtime, sms)
