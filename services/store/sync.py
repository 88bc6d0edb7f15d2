"""Catching up after a reconnect: one read for all conversations, messages only where something is new."""

from __future__ import annotations

from services.protocol import store_pb2
from services.runtime.refusal import Refusal
from services.store import messages
from services.store.epoch import read_epoch
from services.store.messages import MAX_BYTES, MessageRow
from services.store.render import Renderer
from services.store.sync_plan import SyncPlan, cut, plan
from services.stores.ports import Connection, Database

_DEFAULT_LIMIT = 500
_MOST_CURSORS = 20_000


class Sync:
    def __init__(self, database: Database, renderer: Renderer, *, page_limit: int) -> None:
        self._database = database
        self._renderer = renderer
        self._page_limit = page_limit

    async def sync(self, request: store_pb2.SyncReq) -> store_pb2.SyncRsp:
        """What is new since the cursors. Cursors of another epoch are ignored, as they count other messages. Without a
        user it only tells the epoch."""
        if len(request.cursor) > _MOST_CURSORS:
            raise Refusal("同步的会话过多")
        limit = min(request.limit or _DEFAULT_LIMIT, self._page_limit)
        cursors = {cursor.chat_session_id: cursor.seq for cursor in request.cursor}

        def work(connection: Connection) -> tuple[str, SyncPlan, list[MessageRow]]:
            epoch = read_epoch(connection)
            mine = messages.standings(connection, request.user_id) if request.user_id else []
            planned = plan(mine, cursors if request.epoch in {"", epoch} else {}, limit)
            if request.epoch not in {"", epoch}:
                known = {standing.chat_session_id for standing in mine}
                planned = SyncPlan(planned.deltas, tuple(set(cursors) - known), planned.complete)
            return (epoch, *_read(connection, planned))

        epoch, planned, rows = await self._database.read(work)
        answer = store_pb2.SyncRsp(
            request_id=request.request_id,
            success=True,
            epoch=epoch,
            complete=planned.complete,
            gone=planned.gone,
        )
        await self._renderer.people(rows)  # of all conversations at once
        by_name: dict[str, list[MessageRow]] = {}
        for row in rows:
            by_name.setdefault(row.chat_session_id, []).append(row)
        for delta in planned.deltas:
            standing = delta.standing
            part = answer.delta.add(
                chat_session_id=standing.chat_session_id,
                last_seq=standing.last_seq,
                read_seq=standing.read_seq,
                unread=standing.unread,
                contiguous=delta.contiguous,
            )
            await self._renderer.sequenced(part.message, by_name.get(standing.chat_session_id, []), request.user_id)
        return answer


def _read(connection: Connection, planned: SyncPlan) -> tuple[SyncPlan, list[MessageRow]]:
    """The messages of the plan, or the first of them if they would make the answer too large."""
    rows: list[MessageRow] = []
    size = 0
    spans = [delta.span for delta in planned.deltas if delta.span.last > 0]
    for part in messages.of_spans(connection, spans):
        rows += part
        size += sum(row.size for row in part)
        if size > MAX_BYTES and len(rows) < sum(span.last - span.first + 1 for span in spans):
            return cut(planned, {row.chat_session_id for row in rows}), rows
    return planned, rows
