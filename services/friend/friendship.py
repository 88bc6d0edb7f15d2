"""Friends: finding people, applying, deciding, removing."""

from __future__ import annotations

from services.friend import conversations, notices, relations
from services.friend.people import look_up
from services.protocol import friend_pb2
from services.protocol.gateway_pb2 import Delivery
from services.protocol.user_pb2 import FindUsersReq
from services.runtime.context import Runtime
from services.runtime.ids import new_id
from services.runtime.refusal import Refusal
from services.stores.ports import Connection, UniqueViolation

_PENDING = "已发送过好友申请，请等待对方处理"
_MOST_PENDING = 500


class Friendship:
    def __init__(self, runtime: Runtime, max_friends: int) -> None:
        self._runtime = runtime
        self._max_friends = max_friends

    async def get_friend_list(self, request: friend_pb2.GetFriendListReq) -> friend_pb2.GetFriendListRsp:
        friends = await self._runtime.database.read(lambda c: relations.friends_of(c, request.user_id))
        people = await look_up(self._runtime.clients, friends)
        return friend_pb2.GetFriendListRsp(
            request_id=request.request_id,
            success=True,
            friend_list=[people[friend] for friend in friends if friend in people],
        )

    async def friend_search(self, request: friend_pb2.FriendSearchReq) -> friend_pb2.FriendSearchRsp:
        """People one is not yet friends with; nobody's phone number is shown."""
        friends = await self._runtime.database.read(lambda c: relations.friends_of(c, request.user_id))
        found = await self._runtime.clients.call(
            "user",
            "FindUsers",
            FindUsersReq(
                search_key=request.search_key,
                exclude_user_id=[request.user_id, *friends],
                limit=request.limit,
                page_token=request.page_token,
            ),
        )
        if not found.success:
            raise Refusal(found.errmsg)
        return friend_pb2.FriendSearchRsp(
            request_id=request.request_id,
            success=True,
            user_info=found.user_info,
            next_page_token=found.next_page_token,
        )

    async def friend_add(self, request: friend_pb2.FriendAddReq) -> friend_pb2.FriendAddRsp:
        """Refused: to oneself, to nobody, to a friend, twice, and to somebody whose own application waits for an answer."""
        me, peer = request.user_id, request.respondent_id
        if me == peer:
            raise Refusal("不能添加自己为好友")
        people = await look_up(self._runtime.clients, [me, peer])
        if peer not in people or me not in people:
            raise Refusal("用户不存在")
        event_id, now = new_id(), self._runtime.clock()

        def work(connection: Connection) -> str:
            if relations.are_friends(connection, me, peer):
                return "对方已经是您的好友"
            if relations.application(connection, peer, me):
                return "对方已向您发出申请，请先处理"
            if relations.application(connection, me, peer):
                return _PENDING
            if problem := self._full(connection, me, peer):
                return problem
            if relations.count_applications(connection, me) >= self._max_friends:
                return "待处理的好友申请过多，请稍后再试"
            relations.apply(connection, event_id, me, peer, now)
            return ""

        try:
            problem = await self._runtime.database.write(work)
        except UniqueViolation as error:
            raise Refusal(_PENDING) from error
        if problem:
            raise Refusal(problem)
        return friend_pb2.FriendAddRsp(
            request_id=request.request_id,
            success=True,
            notify_event_id=event_id,
            delivery=[notices.applied(event_id, people[me], peer)],
        )

    async def friend_add_process(self, request: friend_pb2.FriendAddProcessReq) -> friend_pb2.FriendAddProcessRsp:
        """Answers an application. Friendship, conversation and membership come into being in one transaction."""
        me, applicant = request.user_id, request.apply_user_id
        people = await look_up(self._runtime.clients, [me, applicant])
        if me not in people or applicant not in people:
            raise Refusal("用户不存在")
        new_session_id, now = new_id(), self._runtime.clock()

        def work(connection: Connection) -> tuple[str, str]:
            event_id = relations.application(connection, applicant, me)
            if event_id is None or request.notify_event_id not in {"", event_id}:
                raise Refusal("该好友申请不存在或已处理")
            if not request.agree:
                relations.delete_application(connection, event_id)
                return event_id, ""
            if problem := self._full(connection, me, applicant):
                raise Refusal(problem)
            relations.delete_applications(connection, me, applicant)
            relations.befriend(connection, me, applicant, now)
            return event_id, conversations.create_single(connection, new_session_id, me, applicant, now)

        event_id, session_id = await self._runtime.database.write(work)
        deliveries: list[Delivery] = [notices.decided(event_id, request.agree, people[me], applicant)]
        if session_id:
            for member, peer in ((applicant, me), (me, applicant)):
                info = notices.single_session(session_id, people[peer])
                deliveries.append(notices.session_created(info, [member]))
        return friend_pb2.FriendAddProcessRsp(
            request_id=request.request_id, success=True, new_session_id=session_id, delivery=deliveries
        )

    async def friend_remove(self, request: friend_pb2.FriendRemoveReq) -> friend_pb2.FriendRemoveRsp:
        """Ends the friendship and the conversation of the two. Done already is done, too."""
        me, peer = request.user_id, request.peer_id

        def work(connection: Connection) -> tuple[bool, str | None]:
            if not relations.unfriend(connection, me, peer):
                return False, None
            session_id = conversations.single_of(connection, me, peer)
            if session_id is not None:
                conversations.dissolve(connection, session_id)
            return True, session_id

        were_friends, session_id = await self._runtime.database.write(work)
        response = friend_pb2.FriendRemoveRsp(request_id=request.request_id, success=True)
        if were_friends:
            response.delivery.append(notices.friend_removed(me, peer))
        if session_id is not None:
            response.delivery.append(notices.conversation_gone(session_id, [me, peer]))
        return response

    async def get_pending_friend_event_list(
        self, request: friend_pb2.GetPendingFriendEventListReq
    ) -> friend_pb2.GetPendingFriendEventListRsp:
        """The applications addressed to the user, newest first."""
        events = await self._runtime.database.read(lambda c: relations.pending(c, request.user_id, _MOST_PENDING))
        people = await look_up(self._runtime.clients, [applicant for _, applicant in events])
        return friend_pb2.GetPendingFriendEventListRsp(
            request_id=request.request_id,
            success=True,
            event=[
                friend_pb2.FriendEvent(event_id=event_id, sender=people[applicant])
                for event_id, applicant in events
                if applicant in people
            ],
        )

    def _full(self, connection: Connection, me: str, peer: str) -> str:
        if relations.count_friends(connection, me) >= self._max_friends:
            return f"您的好友数量已达上限（{self._max_friends}）"
        if relations.count_friends(connection, peer) >= self._max_friends:
            return "对方的好友数量已达上限"
        return ""
