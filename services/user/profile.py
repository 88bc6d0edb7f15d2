"""One's own profile: reading and changing it, and telling one's friends and other devices that it changed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from services.protocol import file_pb2, user_pb2
from services.protocol.gateway_pb2 import Delivery, ProfileChanged, ServerFrame
from services.runtime.context import Runtime
from services.runtime.ids import new_id
from services.runtime.refusal import Refusal
from services.runtime.rpc import Unavailable
from services.stores.ports import Connection, StoreError, UniqueViolation
from services.user import accounts
from services.user.announcement import announce
from services.user.directory import Directory, user_info
from services.user.phone_codes import PhoneCodes
from services.user.rules import check_avatar, check_description, check_phone, clean_nickname

log = logging.getLogger(__name__)


class Profile:
    """`largest_avatar` in bytes."""

    def __init__(self, runtime: Runtime, directory: Directory, codes: PhoneCodes, largest_avatar: int) -> None:
        self._runtime = runtime
        self._directory = directory
        self._codes = codes
        self._largest_avatar = largest_avatar

    async def get_user_info(self, request: user_pb2.GetUserInfoReq) -> user_pb2.GetUserInfoRsp:
        """The caller's own data, phone number included; a picture that cannot be read is left out."""
        user_id = request.user_id
        account = await self._runtime.database.read(lambda connection: accounts.by_id(connection, user_id))
        if account is None:
            raise Refusal("用户不存在")
        pictures = await self._directory.pictures([account])
        return user_pb2.GetUserInfoRsp(
            request_id=request.request_id, success=True, user_info=user_info(account, pictures, with_phone=True)
        )

    async def set_nickname(self, request: user_pb2.SetUserNicknameReq) -> user_pb2.SetUserNicknameRsp:
        nickname = clean_nickname(request.nickname)
        try:
            friends = await self._change(request.user_id, lambda c: accounts.set_nickname(c, request.user_id, nickname))
        except UniqueViolation as error:
            raise Refusal("昵称已被使用") from error
        return user_pb2.SetUserNicknameRsp(
            request_id=request.request_id, success=True, delivery=[_changed(request.user_id, friends)]
        )

    async def set_description(self, request: user_pb2.SetUserDescriptionReq) -> user_pb2.SetUserDescriptionRsp:
        check_description(request.description)
        friends = await self._change(
            request.user_id, lambda c: accounts.set_description(c, request.user_id, request.description)
        )
        return user_pb2.SetUserDescriptionRsp(
            request_id=request.request_id, success=True, delivery=[_changed(request.user_id, friends)]
        )

    async def set_phone(self, request: user_pb2.SetUserPhoneNumberReq) -> user_pb2.SetUserPhoneNumberRsp:
        """Needs a code sent to the new number."""
        check_phone(request.phone_number)
        await self._codes.accept(
            request.phone_number, user_pb2.SET_PHONE, request.phone_verify_code_id, request.phone_verify_code
        )
        try:
            await self._change(request.user_id, lambda c: accounts.set_phone(c, request.user_id, request.phone_number))
        except UniqueViolation as error:
            raise Refusal("该手机号已被使用") from error
        return user_pb2.SetUserPhoneNumberRsp(request_id=request.request_id, success=True)

    async def set_avatar(self, request: user_pb2.SetUserAvatarReq) -> user_pb2.SetUserAvatarRsp:
        """Keeps the picture as a file and deletes the file of the one it replaces."""
        check_avatar(request.avatar, self._largest_avatar)
        stored = await self._runtime.clients.call(
            "file",
            "StoreFile",
            file_pb2.StoreFileReq(
                request_id=f"{accounts.AVATAR_PREFIX}{new_id()}",
                user_id=request.user_id,
                file_name="avatar",
                content=request.avatar,
            ),
        )
        if not stored.success:
            raise Refusal(stored.errmsg)
        old: list[str] = []

        def change(connection: Connection) -> bool:
            account = accounts.by_id(connection, request.user_id)
            old[:] = [account.avatar_id] if account and account.avatar_id else []
            return accounts.set_avatar(connection, request.user_id, stored.file_id)

        try:
            friends = await self._change(request.user_id, change)
        except (Refusal, StoreError):
            await self._delete_files([stored.file_id])
            raise
        await self._delete_files(old)
        return user_pb2.SetUserAvatarRsp(
            request_id=request.request_id, success=True, delivery=[_changed(request.user_id, friends)]
        )

    async def _change(self, user_id: str, change: Callable[[Connection], bool]) -> list[str]:
        """Makes a change and returns the user's friends, in one transaction."""

        def work(connection: Connection) -> list[str] | None:
            if not change(connection):
                return None
            announce(self._runtime, connection, user_id)
            return accounts.friend_ids(connection, user_id)

        friends = await self._runtime.database.write(work)
        if friends is None:
            raise Refusal("用户不存在")
        return friends

    async def _delete_files(self, file_ids: list[str]) -> None:
        if not file_ids:
            return
        try:
            await self._runtime.clients.call("file", "DeleteFiles", file_pb2.DeleteFilesReq(file_id=file_ids))
        except (Unavailable, StoreError) as error:
            log.warning("a replaced picture was left behind (file %s): %s", file_ids[0], error)


def _changed(user_id: str, friends: list[str]) -> Delivery:
    return Delivery(user_id=[user_id, *friends], frame=ServerFrame(profile=ProfileChanged(user_id=user_id)))
