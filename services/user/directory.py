"""People as others see them: by id, or found by phone, id or a fragment of the name. Phone numbers stay private."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter

from services.protocol import file_pb2, user_pb2
from services.protocol.base_pb2 import UserInfo
from services.runtime.context import Runtime
from services.runtime.refusal import Refusal
from services.runtime.rpc import Unavailable
from services.stores.folding import fold
from services.stores.ports import InvalidPage, StoreError
from services.stores.search_fallback import ANSWERED_BY, FallbackSearch
from services.user import accounts
from services.user.accounts import Account

log = logging.getLogger(__name__)

_DEFAULT_HITS = 10
_MOST_HITS = 50
_LONGEST_KEY = 128


class Directory:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._search = FallbackSearch(runtime.search, runtime.database, answered=_counter(runtime.metrics))

    async def get_multi_user_info(self, request: user_pb2.GetMultiUserInfoReq) -> user_pb2.GetMultiUserInfoRsp:
        """Unknown ids and pictures that cannot be read are left out: one of them must not spoil a whole list."""
        wanted = list(dict.fromkeys(request.users_id))
        found = await self._runtime.database.read(lambda connection: accounts.by_ids(connection, wanted))
        pictures = {} if request.without_avatar else await self.pictures(found)
        response = user_pb2.GetMultiUserInfoRsp(request_id=request.request_id, success=True)
        for account in found:
            response.users_info[account.user_id].CopyFrom(user_info(account, pictures, with_phone=request.with_private))
        return response

    async def find_users(self, request: user_pb2.FindUsersReq) -> user_pb2.FindUsersRsp:
        """Best match first. An exact phone number finds its owner but is not shown."""
        key = request.search_key.strip()
        response = user_pb2.FindUsersRsp(request_id=request.request_id, success=True)
        if not key or len(key) > _LONGEST_KEY:
            return response
        limit = min(request.limit or _DEFAULT_HITS, _MOST_HITS)
        try:
            ids, response.next_page_token, _ = await self._search.users(
                key, exclude=list(request.exclude_user_id), limit=limit, after=request.page_token
            )
        except InvalidPage as error:
            raise Refusal("分页参数无效") from error
        found = await self._runtime.database.read(lambda connection: accounts.by_ids(connection, ids))
        if self._search.checks:  # an index may be a moment behind a change of name or number
            found = [account for account in found if _fits(account, key)]
        pictures = await self.pictures(found)
        by_id = {account.user_id: account for account in found}
        response.user_info.extend(user_info(by_id[user_id], pictures) for user_id in ids if user_id in by_id)
        return response

    async def pictures(self, people: Iterable[Account]) -> dict[str, bytes]:
        """Avatar contents by file id; what cannot be read now is left out."""
        ids = [person.avatar_id for person in people if person.avatar_id]
        if not ids:
            return {}
        try:
            answer = await self._runtime.clients.call("file", "ReadFiles", file_pb2.ReadFilesReq(file_id=ids))
        except (Unavailable, StoreError) as error:
            log.warning("pictures of people are left out: %s", error)
            return {}
        return dict(answer.content)


def _fits(account: Account, key: str) -> bool:
    return key in {account.phone, account.user_id} or fold(key) in fold(account.nickname)


def user_info(account: Account, pictures: dict[str, bytes], *, with_phone: bool = False) -> UserInfo:
    """The account as clients get it."""
    return UserInfo(
        user_id=account.user_id,
        nickname=account.nickname,
        description=account.description,
        phone=(account.phone or "") if with_phone else "",
        avatar=pictures.get(account.avatar_id or "", b""),
    )


def _counter(registry: CollectorRegistry) -> Callable[[str], None]:
    answered = Counter(
        "chatsystem_user_searches_total",
        "Searches for people, by what answered (index; database: there is no index; degraded: the database, because the index is away).",
        ["answered_by"],
        registry=registry,
    )
    by = {name: answered.labels(name) for name in ANSWERED_BY}
    return lambda name: by[name].inc()
