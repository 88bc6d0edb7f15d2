"""How far a member has read: a sequence number that never goes back and never passes the last message."""

from __future__ import annotations

from services.protocol import store_pb2
from services.store.history import standing_of
from services.stores.ports import Connection, Database

_SINGLE = 1


class ReadPositions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_read(self, request: store_pb2.MarkReadReq) -> store_pb2.MarkReadRsp:
        """Advances the position to `seq`, if that is further.

        `member_id` names who is to hear of it: in a one-to-one conversation both people, in a group only the reader's own
        devices. Telling a group of n people of each other's positions would be n² notifications for one message.
        """

        def work(connection: Connection) -> tuple[int, int, bool, list[str]]:
            mine = standing_of(connection, request.chat_session_id, request.user_id)
            seq = min(request.seq, mine.last_seq)
            advanced = bool(
                connection.change(
                    "UPDATE chat_session_member SET read_seq = ?"
                    " WHERE chat_session_id = ? AND user_id = ? AND read_seq < ?",
                    [seq, request.chat_session_id, request.user_id, seq],
                )
            )
            if not advanced:  # somebody else has meanwhile: what is answered must not be behind it
                mine = standing_of(connection, request.chat_session_id, request.user_id)
            told = _told(connection, request.chat_session_id, request.user_id) if advanced else []
            return max(seq, mine.read_seq), mine.last_seq, advanced, told

        read_seq, last_seq, advanced, told = await self._database.write(work, concurrent=True)
        return store_pb2.MarkReadRsp(
            request_id=request.request_id,
            success=True,
            chat_session_id=request.chat_session_id,
            read_seq=read_seq,
            unread=last_seq - read_seq,
            member_id=told,
            advanced=advanced,
        )


def _told(connection: Connection, chat_session_id: str, user_id: str) -> list[str]:
    rows = connection.execute(
        "SELECT m.user_id FROM chat_session_member m JOIN chat_session s ON s.chat_session_id = m.chat_session_id"
        " WHERE m.chat_session_id = ? AND (m.user_id = ? OR s.chat_session_type = ?)",
        [chat_session_id, user_id, _SINGLE],
    )
    return [str(row[0]) for row in rows]
