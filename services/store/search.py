"""Finding messages by a fragment of their text or transcript, in conversations of the asking user only.

Newest first, in one conversation as in all: with substring search there is no better or worse match.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.protocol import store_pb2
from services.runtime.refusal import Refusal
from services.store import messages
from services.store.history import standing_of
from services.store.messages import MessageRow
from services.store.render import Renderer
from services.stores.folding import fold
from services.stores.ports import Connection, Database, InvalidPage, MessageHit
from services.stores.search_fallback import FallbackSearch

_DEFAULT_PAGE = 30
_MOST = 200
_LONGEST_KEY = 256
_LONGEST_TOKEN = 512


class MessageSearch:
    def __init__(self, database: Database, search: FallbackSearch, renderer: Renderer) -> None:
        self._database = database
        self._search = search
        self._renderer = renderer

    async def of_conversation(self, request: store_pb2.MsgSearchReq) -> store_pb2.MsgSearchRsp:
        """For existing clients: the newest matches of one conversation, without paging. Voice messages that match by their
        transcript come without content."""
        key = _key(request.search_key)
        mine = await self._database.read(
            lambda connection: standing_of(connection, request.chat_session_id, request.user_id)
        )
        hits, _, _ = await self._search.messages(key, [mine.chat_session_id], limit=_MOST)
        rows = await self._rows(hits, key)
        answer = store_pb2.MsgSearchRsp(request_id=request.request_id, success=True)
        await self._renderer.infos(answer.msg_list, rows, with_content=False)
        return answer

    async def search(self, request: store_pb2.SearchMessagesReq) -> store_pb2.SearchMessagesRsp:
        """One page of the matches in one conversation, or in all of the user's."""
        key = _key(request.search_key)
        if len(request.page_token) > _LONGEST_TOKEN:
            raise Refusal("分页参数无效")
        names = await self._conversations(request.user_id, request.chat_session_id)
        answer = store_pb2.SearchMessagesRsp(request_id=request.request_id, success=True)
        if names:
            limit = min(request.limit or _DEFAULT_PAGE, _MOST)
            try:
                hits, answer.next_page_token, answer.degraded = await self._search.messages(
                    key, names, limit=limit, before=request.page_token
                )
            except InvalidPage as error:
                raise Refusal("分页参数无效") from error
            await self._renderer.sequenced(answer.message, await self._rows(hits, key), request.user_id)
        return answer

    async def _conversations(self, user_id: str, chat_session_id: str) -> list[str]:
        def work(connection: Connection) -> list[str]:
            if chat_session_id:
                return [standing_of(connection, chat_session_id, user_id).chat_session_id]
            return [mine.chat_session_id for mine in messages.standings(connection, user_id)]

        return await self._database.read(work)

    async def _rows(self, hits: Sequence[MessageHit], key: str) -> list[MessageRow]:
        places = [(hit.chat_session_id, hit.seq) for hit in hits]
        found = await self._database.read(lambda connection: messages.at_places(connection, places))
        rows = [found[place] for place in places if place in found]
        if self._search.checks:  # of a database that was set back the index may still tell of other messages
            sought = fold(key)
            rows = [row for row in rows if sought in fold(row.transcript or row.content or "")]
        return rows


def _key(text: str) -> str:
    key = text.strip()
    if not key:
        raise Refusal("搜索内容不能为空")
    if len(key) > _LONGEST_KEY:
        raise Refusal(f"搜索内容过长，最多 {_LONGEST_KEY} 个字符")
    return key
