"""Reading one conversation: by time and by count as the original did, and by sequence number in pages."""

from __future__ import annotations

from services.protocol import store_pb2
from services.runtime.refusal import Refusal
from services.store import messages
from services.store.messages import MessageRow, Span, Standing
from services.store.render import Renderer, fill_sequenced
from services.stores.ports import Connection, Database

NOT_A_MEMBER = "您不是该会话的成员"

_DEFAULT_PAGE = 50


class History:
    """`history_limit` bounds get_history, `page_limit` everything else; both count messages."""

    def __init__(self, database: Database, renderer: Renderer, *, history_limit: int, page_limit: int) -> None:
        self._database = database
        self._renderer = renderer
        self._history_limit = history_limit
        self._page_limit = page_limit

    async def get_history(self, request: store_pb2.GetHistoryMsgReq) -> store_pb2.GetHistoryMsgRsp:
        """Messages from start_time to over_time, whole seconds, both included, in the order in which they were stored.
        Of more than the limit the newest ones."""
        limit = self._history_limit if request.exclude_file_content else self._page_limit

        def work(connection: Connection) -> list[MessageRow]:
            mine = standing_of(connection, request.chat_session_id, request.user_id)
            name, end = mine.chat_session_id, mine.last_seq
            first = messages.seq_at(connection, name, end, request.start_time * 1000)
            last = messages.seq_at(connection, name, end, (request.over_time + 1) * 1000) - 1
            return messages.newest(connection, Span(name, first, last), limit)

        rows = await self._database.read(work)
        answer = store_pb2.GetHistoryMsgRsp(request_id=request.request_id, success=True)
        await self._renderer.infos(answer.msg_list, rows, with_content=not request.exclude_file_content)
        return answer

    async def get_recent(self, request: store_pb2.GetRecentMsgReq) -> store_pb2.GetRecentMsgRsp:
        """The newest msg_count messages, oldest first; with cur_time those up to the end of that second."""
        limit = min(request.msg_count, self._page_limit)

        def work(connection: Connection) -> list[MessageRow]:
            mine = standing_of(connection, request.chat_session_id, request.user_id)
            name, last = mine.chat_session_id, mine.last_seq
            if request.cur_time > 0:
                last = messages.seq_at(connection, name, last, (request.cur_time + 1) * 1000) - 1
            return messages.newest(connection, Span(name, 1, last), limit)

        rows = await self._database.read(work)
        answer = store_pb2.GetRecentMsgRsp(request_id=request.request_id, success=True)
        await self._renderer.infos(answer.msg_list, rows, with_content=not request.exclude_file_content)
        return answer

    async def get_page(self, request: store_pb2.GetPageReq) -> store_pb2.GetPageRsp:
        """Messages before before_seq, or around around_seq; without either the newest ones."""
        limit = min(request.limit or _DEFAULT_PAGE, self._page_limit)

        def work(connection: Connection) -> list[MessageRow]:
            mine = standing_of(connection, request.chat_session_id, request.user_id)
            last = mine.last_seq
            if request.around_seq:
                last = min(last, request.around_seq + (limit - 1) // 2)
            elif request.before_seq:
                last = min(last, request.before_seq - 1)
            return messages.newest(connection, Span(mine.chat_session_id, 1, last), limit)

        rows = await self._database.read(work)
        more = bool(rows) and rows[0].seq > 1
        answer = store_pb2.GetPageRsp(request_id=request.request_id, success=True, more=more)
        await self._renderer.sequenced(answer.message, rows, request.user_id)
        return answer

    async def get_last_messages(self, request: store_pb2.GetLastMessagesReq) -> store_pb2.GetLastMessagesRsp:
        """The newest message of each conversation that has one. The caller checked the membership."""
        names = list(request.chat_session_id)
        rows = list((await self._database.read(lambda connection: messages.last_of(connection, names))).values())
        answer = store_pb2.GetLastMessagesRsp(request_id=request.request_id, success=True)
        people = await self._renderer.people(rows)
        contents = await self._renderer.contents(rows) if request.with_file_content else {}
        for row in rows:
            fill_sequenced(answer.message[row.chat_session_id], row, "", people[row.user_id], contents)
        return answer


def standing_of(connection: Connection, chat_session_id: str, user_id: str) -> Standing:
    """Raises Refusal if the user is not a member; a conversation that does not exist is answered alike."""
    found = messages.standing(connection, chat_session_id, user_id)
    if found is None:
        raise Refusal(NOT_A_MEMBER)
    return found
