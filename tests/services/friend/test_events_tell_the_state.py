"""The law of notifications: what a client was told, applied to what it knew, is what it would read anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.protocol import friend_pb2, notify_pb2
from services.protocol.gateway_pb2 import Delivery
from tests.testbed.accounts import Person, World

PEOPLE = 4
Step = tuple[str, int, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [*("apply", "accept", "create", "add") * 3, "refuse", "unfriend", "remove", "leave", "leave", "rename"]
        ),
        st.integers(0, PEOPLE - 1),
        st.integers(0, PEOPLE - 1),
        st.integers(0, 2),
    ),
    min_size=30,
    max_size=60,
)


class Mind:
    """What one person's client knows, by its own requests' answers and by what it was told."""

    def __init__(self) -> None:
        self.friends: set[str] = set()
        self.pending: set[str] = set()
        self.names: dict[str, str] = {}

    def hear(self, delivery: Delivery) -> None:
        notify = delivery.notify
        if delivery.HasField("frame"):
            change = delivery.frame.conversation
            if change.gone:
                self.names.pop(change.chat_session_id, None)
            elif change.chat_session_name:
                self.names[change.chat_session_id] = change.chat_session_name
        elif notify.notify_type == notify_pb2.FRIEND_ADD_APPLY_NOTIFY:
            self.pending.add(notify.friend_add_apply.user_info.user_id)
        elif notify.notify_type == notify_pb2.FRIEND_ADD_PROCESS_NOTIFY and notify.friend_process_result.agree:
            self.friends.add(notify.friend_process_result.user_info.user_id)
        elif notify.notify_type == notify_pb2.CHAT_SESSION_CREATE_NOTIFY:
            info = notify.new_chat_session_info.chat_session_info
            self.names[info.chat_session_id] = info.chat_session_name
        elif notify.notify_type == notify_pb2.FRIEND_REMOVE_NOTIFY:
            self.friends.discard(notify.friend_remove.user_id)


class Play:
    """Plays steps against the services and lets every mind hear what it is told."""

    def __init__(self, world: World, people: list[Person]) -> None:
        self.world = world
        self.people = people
        self.minds: dict[str, Mind] = defaultdict(Mind)
        self.groups: list[str] = []

    async def begin(self) -> None:
        """Everybody but the last one is a friend of the first one and in a group with them."""
        for peer in range(1, PEOPLE - 1):
            await self.step(("apply", 0, peer, 0))
            await self.step(("accept", peer, 0, 0))
            await self.step(("create" if peer == 1 else "add", 0, peer, 0))

    def tell(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            for user_id in delivery.user_id:
                self.minds[user_id].hear(delivery)

    async def step(self, step: Step) -> None:
        kind, who, whom, which = step
        me, peer = self.people[who].user_id, self.people[whom].user_id
        group = self.groups[which % len(self.groups)] if self.groups else "none"
        mind = self.minds[me]
        match kind:
            case "apply":
                answer = await self.call("FriendAdd", friend_pb2.FriendAddReq(user_id=me, respondent_id=peer))
            case "accept" | "refuse":
                answer = await self.call(
                    "FriendAddProcess",
                    friend_pb2.FriendAddProcessReq(user_id=me, apply_user_id=peer, agree=kind == "accept"),
                )
                if answer.success:
                    mind.pending.discard(peer)
                    mind.friends |= {peer} if kind == "accept" else set()
            case "unfriend":
                answer = await self.call("FriendRemove", friend_pb2.FriendRemoveReq(user_id=me, peer_id=peer))
                mind.friends.discard(peer)
            case "create":
                answer = await self.call(
                    "ChatSessionCreate",
                    friend_pb2.ChatSessionCreateReq(user_id=me, chat_session_name="g", member_id_list=[peer]),
                )
                if answer.success:
                    self.groups.append(answer.chat_session_info.chat_session_id)
            case "add":
                answer = await self.call(
                    "ChatSessionAddMember",
                    friend_pb2.ChatSessionAddMemberReq(user_id=me, chat_session_id=group, member_id_list=[peer]),
                )
            case "remove" | "leave":
                answer = await self.call(
                    "ChatSessionRemoveMember",
                    friend_pb2.ChatSessionRemoveMemberReq(
                        user_id=me, chat_session_id=group, member_id=peer if kind == "remove" else me
                    ),
                )
            case _:
                answer = await self.call(
                    "RenameChatSession",
                    friend_pb2.RenameChatSessionReq(user_id=me, chat_session_id=group, chat_session_name=f"g{which}"),
                )
        self.tell(answer.delivery)

    async def call(self, method: str, request: object) -> friend_pb2.FriendAddRsp:
        answer: friend_pb2.FriendAddRsp = await self.world.call("friend", method, request)  # type: ignore[arg-type]
        return answer

    async def fresh(self, user_id: str) -> Mind:
        """What a client that comes new reads."""
        mind = Mind()
        friends = await self.world.call("friend", "GetFriendList", friend_pb2.GetFriendListReq(user_id=user_id))
        mind.friends = {info.user_id for info in friends.friend_list}
        pending = await self.world.call(
            "friend", "GetPendingFriendEventList", friend_pb2.GetPendingFriendEventListReq(user_id=user_id)
        )
        mind.pending = {event.sender.user_id for event in pending.event}
        listed = await self.world.call(
            "friend", "GetChatSessionList", friend_pb2.GetChatSessionListReq(user_id=user_id)
        )
        mind.names = {info.chat_session_id: info.chat_session_name for info in listed.chat_session_info_list}
        return mind


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_state_and_events_equal_a_fresh_state(world: World, played: list[Step]) -> None:
    number = len(await world.rows("SELECT id FROM user"))
    play = Play(world, await world.people(*(f"p{number + index}" for index in range(PEOPLE))))
    await play.begin()
    for step in played:
        await play.step(step)
    for person in play.people:
        known, read = play.minds[person.user_id], await play.fresh(person.user_id)
        assert known.friends == read.friends
        assert known.pending == read.pending
        assert known.names == read.names


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_whatever_people_do_the_tables_fit_together(world: World, played: list[Step]) -> None:
    number = len(await world.rows("SELECT id FROM user"))
    play = Play(world, await world.people(*(f"p{number + index}" for index in range(PEOPLE))))
    await play.begin()
    for step in played:
        await play.step(step)
    one_sided = "SELECT * FROM relation r WHERE NOT EXISTS (SELECT 1 FROM relation s WHERE s.user_id = r.peer_id AND s.peer_id = r.user_id)"
    ownerless = (
        "SELECT * FROM chat_session s WHERE chat_session_type = 2 AND NOT EXISTS (SELECT 1 FROM chat_session_member m"
        " WHERE m.chat_session_id = s.chat_session_id AND m.user_id = s.owner_id)"
    )
    homeless = (
        "SELECT * FROM chat_session_member WHERE chat_session_id NOT IN (SELECT chat_session_id FROM chat_session)"
    )
    both_ways = "SELECT * FROM friend_apply a JOIN friend_apply b ON a.user_id = b.peer_id AND a.peer_id = b.user_id"
    applied_friend = "SELECT * FROM friend_apply a JOIN relation r ON r.user_id = a.user_id AND r.peer_id = a.peer_id"
    for wrong in (one_sided, ownerless, homeless, both_ways, applied_friend):
        assert await world.rows(wrong) == []
    friendships = await world.rows("SELECT COUNT(*) / 2 FROM relation")
    assert friendships == await world.rows("SELECT COUNT(*) FROM chat_session WHERE chat_session_type = 1")
