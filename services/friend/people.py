"""People's data from the user service."""

from __future__ import annotations

from collections.abc import Iterable

from services.protocol.base_pb2 import UserInfo
from services.protocol.user_pb2 import GetMultiUserInfoReq
from services.runtime.refusal import Refusal
from services.runtime.rpc import Clients


async def look_up(clients: Clients, user_ids: Iterable[str], *, pictures: bool = True) -> dict[str, UserInfo]:
    """UserInfo by id, without phone numbers. Unknown ids are left out. Raises Unavailable, Refusal."""
    wanted = list(dict.fromkeys(user_ids))
    if not wanted:
        return {}
    answer = await clients.call(
        "user", "GetMultiUserInfo", GetMultiUserInfoReq(users_id=wanted, without_avatar=not pictures)
    )
    if not answer.success:
        raise Refusal(answer.errmsg)
    return dict(answer.users_info)
