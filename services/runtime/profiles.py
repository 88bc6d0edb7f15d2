"""The sender of a message as others see it, looked up for many messages at once and remembered briefly.

A list of messages must not fail because one person is unknown, or because the user service is away: a placeholder stands in.
A picture is part of an answer only while it is small. The original copied pictures of up to 2 MiB into every message; a
client gets a large one with the member list.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable

from services.protocol.base_pb2 import UserInfo
from services.protocol.user_pb2 import GetMultiUserInfoReq
from services.runtime.rpc import Clients, Unavailable
from services.stores.ports import StoreError

logger = logging.getLogger(__name__)

MAX_PICTURE = 16 * 1024
"""Bytes of the largest picture that travels with a message."""

LIFETIME = 10.0
"""Seconds after which a person is looked up again, so that a new nickname is seen soon."""

CAPACITY = 8 * 2**20
"""Bytes that the remembered people may take."""

_WEIGHT = 512
"""Bytes of one person without picture, about."""

_BATCH = 500


class Profiles:
    """`with_picture` False leaves all pictures out."""

    def __init__(self, clients: Clients, clock: Callable[[], float], *, with_picture: bool) -> None:
        self._clients = clients
        self._clock = clock
        self._with_picture = with_picture
        self._known: OrderedDict[str, tuple[float, UserInfo]] = OrderedDict()
        self._held = 0

    def remembered(self, user_id: str) -> UserInfo | None:
        """The person if looked up within LIFETIME. The message is shared: do not change it."""
        entry = self._known.get(user_id)
        if entry is None or entry[0] < self._clock():
            return None
        return entry[1]

    async def get(self, user_ids: Iterable[str]) -> dict[str, UserInfo]:
        """Every one of `user_ids`, a placeholder where nothing better is to be had. Never fails."""
        found: dict[str, UserInfo] = {}
        missing: list[str] = []
        for user_id in dict.fromkeys(user_ids):
            person = self.remembered(user_id)
            if person is None:
                missing.append(user_id)
            else:
                found[user_id] = person
        for start in range(0, len(missing), _BATCH):
            await self._look_up(missing[start : start + _BATCH], found)
        return found

    async def _look_up(self, user_ids: list[str], found: dict[str, UserInfo]) -> None:
        request = GetMultiUserInfoReq(users_id=user_ids, without_avatar=not self._with_picture)
        try:
            answer = await self._clients.call("user", "GetMultiUserInfo", request)
        except (Unavailable, StoreError) as error:
            logger.warning("the user service is away, senders are shown without a name", extra={"error": str(error)})
            answer = None
        expires = self._clock() + LIFETIME
        for user_id in user_ids:
            if answer is None or not answer.success:
                stale = self._known.get(user_id)
                found[user_id] = stale[1] if stale else placeholder(user_id)
                continue
            person = placeholder(user_id)
            if user_id in answer.users_info:
                person.CopyFrom(answer.users_info[user_id])
                person.user_id = user_id
                person.nickname = person.nickname or user_id
                person.ClearField("phone")
                if len(person.avatar) > MAX_PICTURE or not self._with_picture:
                    person.ClearField("avatar")
            found[user_id] = person
            self._remember(user_id, expires, person)

    def _remember(self, user_id: str, expires: float, person: UserInfo) -> None:
        before = self._known.pop(user_id, None)
        if before is not None:
            self._held -= _WEIGHT + len(before[1].avatar)
        self._known[user_id] = (expires, person)
        self._held += _WEIGHT + len(person.avatar)
        while self._held > CAPACITY:
            _, (_, evicted) = self._known.popitem(last=False)
            self._held -= _WEIGHT + len(evicted.avatar)


def placeholder(user_id: str) -> UserInfo:
    """Somebody of whom only the id is known. The nickname is never empty: existing clients would misread the message."""
    return UserInfo(user_id=user_id, nickname=user_id or "?")
