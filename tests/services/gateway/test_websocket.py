"""The WebSocket side: authentication, pushes, frames, and the ends of connections."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import pytest

from services.protocol import base_pb2, friend_pb2, store_pb2, user_pb2
from services.protocol.gateway_pb2 import ClientAuthenticationReq, Delivery, DeliveryBatch, ServerFrame
from services.protocol.notify_pb2 import NotifyFriendRemove, NotifyMessage, NotifyType
from tests.testbed.gateway import Socket, System, eventually, new_message, token_of


async def test_an_existing_client_hears_nothing_after_its_authentication(system: System) -> None:
    bob = await system.connect("bob", protocol=0)
    await bob.silent()


@pytest.mark.parametrize("path", ["/", "/ws", "/anything?x=1"])
async def test_the_path_does_not_matter(system: System, path: str) -> None:
    ws = await system.http.ws_connect(f"http://127.0.0.1:{system.gateway.websocket_port}{path}")
    await ws.close()


@pytest.mark.parametrize(
    "first",
    [b"\xff\xff", b"", b"x" * 10_000, ClientAuthenticationReq(session_id="unknown").SerializeToString()],
)
async def test_a_refused_client_is_closed_with_1003_and_a_reason(system: System, first: bytes) -> None:
    socket = await system.socket()
    await socket.ws.send_bytes(first)
    code, reason = await socket.closed()
    assert code == 1003
    assert reason


async def test_a_message_is_pushed_before_its_sender_is_answered(system: System) -> None:
    bob = await system.connect("bob", protocol=0)
    await system.send("alice", "你好")
    notify = NotifyMessage.FromString(await asyncio.wait_for(bob.bytes(), 1))
    assert notify.notify_type == NotifyType.CHAT_MESSAGE_NOTIFY
    message = notify.new_message_info.message_info
    assert message.message.string_message.content == "你好"
    assert message.sender.nickname == "alice"
    assert message.timestamp < 2**31


async def test_the_sending_session_does_not_get_its_own_message(system: System) -> None:
    own = await system.connect("alice", protocol=0)
    phone = await system.connect("alice", protocol=0, device=2)
    await system.send("alice", "hello")
    assert NotifyMessage.FromString(await phone.bytes()).new_message_info.message_info.sender.user_id == "alice"
    await own.silent()


async def test_a_frame_client_recognises_its_own_http_send(system: System) -> None:
    alice = await system.connect("alice")
    bob = await system.connect("bob")
    await system.send("alice", "hello", "my-id")
    own = (await alice.frame()).event
    assert (own.request_id, own.seq) == ("my-id", 1)
    other = (await bob.frame()).event
    assert (other.request_id, other.seq) == ("", 1)
    assert other.notify == own.notify


async def test_the_type_of_a_friend_application_is_written_although_it_is_zero(system: System) -> None:
    plain = await system.connect("bob", protocol=0)
    framed = await system.connect("bob")
    request = friend_pb2.FriendAddReq(request_id="r", session_id=token_of("alice"), respondent_id="bob")
    await system.post("/service/friend/add_friend_apply", request, friend_pb2.FriendAddRsp)
    payload = await plain.bytes()
    assert payload.startswith(b"\x10\x00")
    assert NotifyMessage.FromString(payload).friend_add_apply.user_info.nickname == "甲"
    assert (await framed.frame()).event.notify.friend_add_apply.user_info.nickname == "甲"


async def test_no_person_is_pushed_without_a_nickname(system: System) -> None:
    bob = await system.connect("bob", protocol=0)
    notify = NotifyMessage()
    notify.friend_add_apply.user_info.CopyFrom(base_pb2.UserInfo(user_id="u1", description="about me"))
    await system.runtime.push.publish(DeliveryBatch(delivery=[Delivery(user_id=["bob"], notify=notify)]))
    assert NotifyMessage.FromString(await bob.bytes()).friend_add_apply.user_info.nickname == "u1"


async def test_every_device_gets_every_push(system: System) -> None:
    devices = [await system.connect("bob", protocol=device % 2, device=device) for device in range(4)]
    await system.send("alice", "hello")
    for device in devices:
        await device.bytes()


async def test_a_reload_does_not_cut_off_the_connection_that_came_before_the_old_one_left(system: System) -> None:
    old = await system.connect("bob", protocol=0)
    new = await system.connect("bob", protocol=0)
    await old.ws.close()
    await system.send("alice", "hello")
    await new.bytes()


async def test_frames_and_plain_notifications_go_to_the_clients_that_understand_them(system: System) -> None:
    plain = await system.connect("bob", protocol=0)
    framed = await system.connect("bob")
    frame = ServerFrame()
    frame.conversation.chat_session_id = "c1"
    removal = NotifyMessage(notify_type=NotifyType.FRIEND_REMOVE_NOTIFY, friend_remove=NotifyFriendRemove(user_id="c1"))
    batch = DeliveryBatch(delivery=[Delivery(user_id=["bob"], frame=frame, plain=removal)])
    await system.runtime.push.publish(batch)
    assert (await framed.frame()).conversation.chat_session_id == "c1"
    assert NotifyMessage.FromString(await plain.bytes()).friend_remove.user_id == "c1"
    await system.runtime.push.publish(DeliveryBatch(delivery=[Delivery(user_id=["bob"], frame=frame)]))
    await framed.frame()
    await plain.silent()


async def test_a_repetition_reaches_only_clients_that_can_recognise_it(system: System) -> None:
    plain = await system.connect("bob", protocol=0)
    framed = await system.connect("bob")
    await system.send("alice", "hello", "same")
    await system.send("alice", "hello", "same")
    assert (await framed.frame()).event.seq == (await framed.frame()).event.seq == 1
    await plain.bytes()
    await plain.silent()


async def test_a_welcome_names_the_user_the_epoch_and_the_ping_interval(system: System) -> None:
    socket = await system.socket()
    request = ClientAuthenticationReq(request_id="a", session_id=token_of("alice"), protocol=1)
    await socket.ws.send_bytes(request.SerializeToString())
    welcome = (await socket.frame()).welcome
    assert (welcome.request_id, welcome.user_id, welcome.epoch) == ("a", "alice", "epoch-1")
    assert welcome.ping_interval_ms == 30_000


async def test_a_welcome_does_not_need_the_store_service(system: System) -> None:
    system.backend.down.add("store")
    await system.connect("alice")


async def test_a_send_is_acknowledged_with_its_place(system: System) -> None:
    alice = await system.connect("alice")
    await alice.send(send=new_message("hello", "r1"))
    ack = (await alice.frame()).ack
    assert (ack.request_id, ack.success, ack.message_id, ack.seq) == ("r1", True, "m1", 1)
    assert ack.timestamp == 1_700_000_001
    await alice.silent()


async def test_other_tabs_of_the_sender_get_what_a_frame_sent(system: System) -> None:
    alice = await system.connect("alice")
    tab = await system.connect("alice")
    legacy = await system.connect("alice", protocol=0)
    await alice.send(send=new_message("hello", "r1"))
    assert (await tab.frame()).event.request_id == "r1"
    await legacy.bytes()
    assert (await alice.frame()).WhichOneof("frame") == "ack"


async def test_a_refused_send_says_why(system: System) -> None:
    mallory = await system.connect("mallory")
    await mallory.send(send=new_message("hello", "r1"))
    ack = (await mallory.frame()).ack
    assert (ack.success, ack.errmsg, ack.retry_after_ms) == (False, "您不是该会话的成员", 0)


async def test_a_send_over_the_rate_says_when_to_repeat_it(start) -> None:
    async with start(sendRate="1", sendBurst="1") as system:
        alice = await system.connect("alice")
        await alice.send(send=new_message("1", "r1"))
        await alice.send(send=new_message("2", "r2"))
        acks = {ack.request_id: ack for ack in [(await alice.frame()).ack, (await alice.frame()).ack]}
        assert acks["r1"].success
        assert 0 < acks["r2"].retry_after_ms <= 1000


async def test_a_send_while_transmit_is_away_may_be_repeated(system: System) -> None:
    alice = await system.connect("alice")
    system.backend.down.add("transmit")
    await alice.send(send=new_message("1", "r1"))
    ack = (await alice.frame()).ack
    assert (ack.success, ack.errmsg) == (False, "服务暂不可用，请稍后重试")
    assert ack.retry_after_ms > 0


async def test_a_send_that_failed_after_it_was_stored_may_be_repeated(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await system.connect("alice")

    async def broken(batch: DeliveryBatch) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(system.runtime.push, "publish", broken)
        await alice.send(send=new_message("x", "r1"))
        ack = (await alice.frame()).ack
    assert (ack.success, ack.errmsg) == (False, "服务器内部错误，请稍后重试")
    assert ack.retry_after_ms > 0
    await alice.send(send=new_message("x", "r1"))
    assert (await alice.frame()).ack.seq == 1


@pytest.mark.parametrize("remote", ["", "transmit"])
async def test_sends_are_handed_on_in_order_without_waiting_for_one_another(start, remote: str) -> None:
    async with start(remote=remote) as system:
        released = asyncio.Event()
        system.backend.hold = lambda request: released.wait()
        system.backend.members["c2"] = ["alice"]
        alice = await system.connect("alice")
        for index in range(100):
            await alice.send(send=new_message(str(index), f"r{index}", chat=f"c{1 + index % 2}"))
        await eventually(lambda: len(system.backend.sent) == 100)
        released.set()
        for chat in ("c1", "c2"):
            sent = [request.request_id for request in system.backend.sent if request.chat_session_id == chat]
            assert sent == [f"r{index}" for index in range(int(chat == "c2"), 100, 2)]
        acks = [(await alice.frame()).ack for _ in range(100)]
        assert sorted(ack.seq for ack in acks) == list(range(1, 101))
        assert all(ack.success for ack in acks)


async def test_a_text_does_not_overtake_the_picture_before_it(system: System) -> None:
    stored = asyncio.Event()
    system.backend.hold = lambda request: stored.wait() if request.request_id == "picture" else asyncio.sleep(0)
    alice = await system.connect("alice")
    picture = new_message("", "picture")
    picture.message.message_type = base_pb2.IMAGE
    picture.message.image_message.image_content = b"picture"
    await alice.send(send=picture)
    await alice.send(send=new_message("look at it", "text"))
    await asyncio.sleep(0.05)
    assert [request.request_id for request in system.backend.sent] == ["picture"]
    stored.set()
    assert [(await alice.frame()).ack.request_id for _ in range(2)] == ["picture", "text"]
    await alice.send(send=new_message("later", "later"))
    assert (await alice.frame()).ack.request_id == "later"


async def test_what_waits_when_a_session_is_revoked_is_not_sent(system: System) -> None:
    stored = asyncio.Event()
    system.backend.hold = lambda request: stored.wait()
    alice = await system.connect("alice")
    picture = new_message("", "picture")
    picture.message.message_type = base_pb2.IMAGE
    await alice.send(send=picture)
    await alice.send(send=new_message("too late", "text"))
    await eventually(lambda: system.backend.sent)
    await system.runtime.push.publish(DeliveryBatch(revoked_user=["alice"]))
    stored.set()
    assert (await alice.closed())[0] == 1003
    assert [request.request_id for request in system.backend.sent] == ["picture"]


async def test_more_sends_in_flight_than_allowed_are_left_unread(system: System) -> None:
    released = asyncio.Event()
    system.backend.hold = lambda request: released.wait()
    alice = await system.connect("alice")
    for index in range(190):
        await alice.send(send=new_message("x" * 30_000, f"r{index}"))
    await asyncio.sleep(0.2)
    assert len(system.backend.sent) < 190
    released.set()
    for _ in range(190):
        assert (await alice.frame()).ack.success


async def test_sync_and_ping_are_answered(system: System) -> None:
    alice = await system.connect("alice")
    await alice.send(sync=store_pb2.SyncReq(request_id="s"))
    sync = (await alice.frame()).sync
    assert (sync.request_id, sync.complete, sync.epoch) == ("s", True, "epoch-1")
    assert system.backend.seen[-1].user_id == "alice"
    await alice.send(ping={"request_id": "p"})
    assert (await alice.frame()).pong.request_id == "p"


async def test_reading_is_told_to_the_members_and_the_readers_other_devices(system: System) -> None:
    alice = await system.connect("alice")
    phone = await system.connect("alice", device=2)
    bob = await system.connect("bob")
    legacy = await system.connect("carol", protocol=0)
    await alice.send(mark_read=store_pb2.MarkReadReq(request_id="m", chat_session_id="c1", seq=5))
    marked = (await alice.frame()).mark_read
    assert (marked.success, marked.read_seq, list(marked.member_id)) == (True, 5, [])
    for other in (phone, bob):
        read = (await other.frame()).read
        assert (read.chat_session_id, read.user_id, read.read_seq) == ("c1", "alice", 5)
    await legacy.silent()


async def test_a_frame_of_a_newer_protocol_is_passed_over(system: System) -> None:
    alice = await system.connect("alice")
    await alice.ws.send_bytes(b"\xba\x3e\x02hi")
    await alice.send(ping={"request_id": "p"})
    assert (await alice.frame()).pong.request_id == "p"


@pytest.mark.parametrize("frame", [b"\xff\xff", b"\x0a\x7f", b"\x0a\x04\x0a\x02\xff\xfe"])
async def test_a_malformed_frame_ends_the_connection(system: System, frame: bytes) -> None:
    alice = await system.connect("alice")
    await alice.ws.send_bytes(frame)
    assert (await alice.closed())[0] == 1002


async def test_text_from_a_frame_client_ends_the_connection(system: System) -> None:
    alice = await system.connect("alice")
    await alice.ws.send_str("hello")
    assert (await alice.closed())[0] == 1002


async def test_further_frames_of_an_existing_client_are_ignored(system: System) -> None:
    bob = await system.connect("bob", protocol=0)
    for _ in range(10):
        await bob.ws.send_bytes(ClientAuthenticationReq(session_id=token_of("bob")).SerializeToString())
        await bob.ws.send_str("junk")
    await system.send("alice", "hello")
    await bob.bytes()
    assert system.backend.validations == 2


async def test_a_flood_of_frames_ends_the_connection(start) -> None:
    async with start(requestRate="1", requestBurst="5") as system:
        bob = await system.connect("bob", protocol=0)
        for _ in range(10):
            await bob.ws.send_bytes(b"x")
        assert (await bob.closed())[0] == 1008


async def test_frames_sent_right_behind_the_authentication_are_not_lost(system: System) -> None:
    socket = await system.socket()
    request = ClientAuthenticationReq(session_id=token_of("alice"), protocol=1)
    await socket.ws.send_bytes(request.SerializeToString())
    await socket.send(ping={"request_id": "p"})
    assert (await socket.frame()).WhichOneof("frame") == "welcome"
    assert (await socket.frame()).pong.request_id == "p"


async def test_a_socket_that_never_authenticates_is_closed(start) -> None:
    async with start(authenticationTimeout="1s") as system:
        socket = await system.socket()
        assert (await socket.closed())[0] == 1008


async def test_a_frame_over_the_limit_is_closed_with_1009(start) -> None:
    async with start(maxFrameSize="64Ki") as system:
        alice = await system.connect("alice")
        await alice.send(send=new_message("x" * 70_000, "r"))
        assert (await alice.closed())[0] == 1009


async def raw_client(system: System) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.websocket_port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize("first_byte", [0x82, 0x02])
async def test_a_stranger_cannot_fill_the_memory_with_a_frame_that_never_ends(system: System, first_byte: int) -> None:
    reader, writer = await raw_client(system)
    writer.write(bytes([first_byte, 0xFF]) + (50 * 2**20).to_bytes(8, "big") + b"\0\0\0\0" + bytes(100_000))
    head, payload = await read_frame(reader)
    assert (head, int.from_bytes(payload[:2], "big")) == (0x88, 1003)
    for _ in range(50):
        writer.write(bytes(100_000))  # is taken and passed over
        await writer.drain()
    writer.close()


async def test_what_comes_before_the_authentication_is_answered_waits_and_is_not_lost(system: System) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    validate = system.backend.user_validate_session

    async def slowly(request):
        asked.set()
        await answer.wait()
        return await validate(request)

    system.backend.user_validate_session = slowly
    socket = await system.socket()
    await socket.ws.send_bytes(ClientAuthenticationReq(session_id=token_of("alice"), protocol=1).SerializeToString())
    await asked.wait()
    connection = next(iter(system.gateway._websocket._all))

    async def too_early() -> None:
        await socket.send(send=new_message("x" * 20_000_000, "r1"))
        await socket.send(send=new_message("y", "r2"))

    sending = asyncio.create_task(too_early())
    await eventually(lambda: connection.paused)
    assert not sending.done(), "it is not taken into memory"
    answer.set()
    assert (await socket.frame()).HasField("welcome")
    assert [(await socket.frame()).ack.request_id for _ in range(2)] == ["r1", "r2"]
    await sending


async def test_large_frames_wait_before_they_are_read(system: System) -> None:
    released = asyncio.Event()
    system.backend.hold = lambda request: released.wait()
    alice = await system.connect("alice")
    connection = next(iter(system.gateway._websocket._all))
    sending = asyncio.create_task(_send_large(alice, 20))
    await eventually(lambda: connection.paused)
    assert sum(len(request.SerializeToString()) for request in system.backend.sent) < 80 * 2**20
    assert connection.in_flight < 256
    released.set()
    assert [(await alice.frame()).ack.success for _ in range(20)] == [True] * 20
    await sending
    assert connection.in_flight == 0


async def _send_large(client: Socket, count: int) -> None:
    for index in range(count):
        await client.send(send=new_message("x" * 8_000_000, f"r{index}"))


async def test_a_large_frame_that_is_no_send_ends_the_connection(system: System) -> None:
    alice = await system.connect("alice")
    request = store_pb2.SyncReq(cursor=[store_pb2.Cursor(chat_session_id="c")] * 1_000_000)
    await alice.send(sync=request)
    assert (await alice.closed())[0] == 1002


async def test_only_some_frames_may_come_before_the_authentication_is_answered(system: System) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def never(request):
        asked.set()
        await answer.wait()

    system.backend.user_validate_session = never
    socket = await system.socket()
    await socket.ws.send_bytes(ClientAuthenticationReq(session_id=token_of("alice"), protocol=1).SerializeToString())
    await asked.wait()
    for index in range(17):
        await socket.send(send=new_message("x", f"r{index}"))
    assert (await socket.closed())[0] == 1008
    answer.set()


async def fragmented(system: System, parts: list[bytes]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A raw client that sends its authentication and then one message in fragments."""
    reader, writer = await raw_client(system)
    first = ClientAuthenticationReq(session_id=token_of("alice"), protocol=1).SerializeToString()
    writer.write(masked(0x82, first))
    for index, part in enumerate(parts):
        opcode = (0x02 if index == 0 else 0x00) | (0x80 if index == len(parts) - 1 else 0)
        writer.write(masked(opcode, part))
    return reader, writer


def masked(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([first_byte]) + length + b"\0\0\0\0" + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await asyncio.wait_for(reader.readexactly(2), 5)
    size = head[1]
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    return head[0], await reader.readexactly(size)


async def test_a_message_may_come_in_fragments(system: System) -> None:
    from services.protocol.gateway_pb2 import ClientFrame

    payload = ClientFrame(send=new_message("in pieces", "r1")).SerializeToString()
    reader, writer = await fragmented(system, [payload[:3], payload[3:10], b"", payload[10:]])
    await read_frame(reader)
    _, answer = await read_frame(reader)
    assert ServerFrame.FromString(answer).ack.success
    writer.close()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (masked(0x80, b"no beginning"), 1002),
        (masked(0xC2, b"reserved bit"), 1002),
        (masked(0x83, b"unknown opcode"), 1002),
        (b"\x82\x01x", 1002),
        (masked(0x09, b"fragmented ping"), 1002),
    ],
)
async def test_what_is_no_websocket_frame_ends_the_connection(system: System, raw: bytes, code: int) -> None:
    reader, writer = await fragmented(system, [])
    await read_frame(reader)
    writer.write(raw)
    opcode, payload = await read_frame(reader)
    assert (opcode, int.from_bytes(payload[:2], "big")) == (0x88, code)
    writer.close()


async def test_a_revoked_session_loses_its_connections_at_once(system: System) -> None:
    alice = await system.connect("alice")
    phone = await system.connect("alice", device=2)
    request = user_pb2.LogoutReq(request_id="r", session_id=token_of("alice"))
    await system.post("/service/user/logout", request, user_pb2.LogoutRsp)
    assert (await alice.closed())[0] == 1003
    await phone.silent()
    await system.runtime.push.publish(DeliveryBatch(revoked_user=["alice"]))
    assert (await phone.closed())[0] == 1003


async def test_an_authentication_that_a_logout_overtakes_is_refused(system: System) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    validate = system.backend.user_validate_session

    async def slowly(request):
        response = await validate(request)
        asked.set()
        await answer.wait()
        return response

    system.backend.user_validate_session = slowly
    socket = await system.socket()
    await socket.ws.send_bytes(ClientAuthenticationReq(session_id=token_of("alice")).SerializeToString())
    await asked.wait()
    await system.backend.user_logout(user_pb2.LogoutReq(session_id=token_of("alice")))
    answer.set()
    assert (await socket.closed())[0] == 1003


async def test_while_the_user_service_is_away_clients_are_told_to_come_back(system: System) -> None:
    system.backend.down.add("user")
    socket = await system.socket()
    await socket.ws.send_bytes(ClientAuthenticationReq(session_id=token_of("alice")).SerializeToString())
    assert (await socket.closed())[0] == 1013


async def test_connections_over_the_limit_are_refused(start) -> None:
    async with start(maxConnections="1") as system:
        alice = await system.connect("alice")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await system.socket()
        assert refused.value.status == 503
        await alice.ws.close()
        await system.connect("bob")


async def test_more_connections_a_second_than_a_gateway_takes_are_asked_to_come_back(start) -> None:
    async with start(acceptRate="2") as system:
        await system.connect("alice")
        await system.connect("bob")
        refused = []
        while not refused:
            try:
                await system.connect("carol")
            except aiohttp.WSServerHandshakeError as error:
                refused.append(error)
        assert refused[0].status == 503
        assert 1 <= int(refused[0].headers["Retry-After"]) <= 5
        async with asyncio.timeout(20):
            while True:
                try:
                    await system.connect("dave")
                    break
                except aiohttp.WSServerHandshakeError:
                    await asyncio.sleep(0.1)
        assert system.runtime.metrics.get_sample_value("chatsystem_gateway_websocket_opened_total", {"result": "rate"})


@pytest.mark.parametrize("protocol", [0, 1])
async def test_a_further_connection_of_an_account_takes_the_place_of_the_one_silent_longest(start, protocol) -> None:
    async with start(maxUserConnections="2") as system:
        first = await system.connect("alice")
        second = await system.connect("alice", protocol=protocol)
        other = await system.connect("bob")
        before = system.gateway._wheel.now  # the clock by which the gateway knows who was heard of last
        await eventually(lambda: system.gateway._wheel.now > before)
        await first.send(ping={"request_id": "p"})
        assert (await first.frame()).HasField("pong")
        third = await system.socket()
        authentication = ClientAuthenticationReq(session_id=token_of("alice"), protocol=1)
        await third.ws.send_bytes(authentication.SerializeToString())
        assert (await third.frame()).HasField("welcome")
        assert await second.closed() == (4001, "the account has more connections than it may have")
        for kept in (first, third, other):
            await kept.send(ping={"request_id": "p"})
            assert (await kept.frame()).HasField("pong")
        value = system.runtime.metrics.get_sample_value
        assert value("chatsystem_gateway_websocket_closed_total", {"reason": "displaced"}) == 1


async def test_a_client_that_does_not_read_is_cut_off(start) -> None:
    async with start(maxBacklog="64Ki") as system:
        reader, writer = await fragmented(system, [])
        await read_frame(reader)
        writer.transport.pause_reading()
        async with asyncio.timeout(10):
            index = 0
            while len(system.gateway._connections):
                index += 1
                await system.send("bob", "x" * 60_000, f"r{index}")
        assert index < 1000
        writer.close()


async def test_a_client_that_pings_and_does_not_read_is_cut_off(start) -> None:
    async with start(maxBacklog="64Ki") as system:
        reader, writer = await fragmented(system, [])
        await read_frame(reader)
        writer.transport.pause_reading()
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while len(system.gateway._connections):
                    writer.write(masked(0x89, b"x" * 125) * 100)
                    await writer.drain()
        writer.close()


async def test_a_ping_is_answered_with_what_it_carried(system: System) -> None:
    reader, writer = await fragmented(system, [])
    await read_frame(reader)
    writer.write(masked(0x89, b"there?"))
    assert await read_frame(reader) == (0x8A, b"there?")
    writer.close()


async def test_a_draining_gateway_says_goodbye_and_answers_what_it_has(start) -> None:
    async with start(drainWindow="1s") as system:
        released = asyncio.Event()
        system.backend.hold = lambda request: released.wait()
        alice = await system.connect("alice")
        bob = await system.connect("bob", protocol=0)
        await alice.send(send=new_message("last words", "r1"))
        await eventually(lambda: system.backend.sent)
        drained = asyncio.create_task(system.gateway.drain())
        away = (await alice.frame()).go_away
        assert system.runtime.metrics.get_sample_value("chatsystem_gateway_draining") == 1
        assert 0 < away.reconnect_after_ms <= 1000
        await asyncio.sleep(1.2)
        released.set()
        assert (await alice.frame()).ack.success
        assert (await alice.closed())[0] == 1012
        assert (await bob.closed())[0] == 1012
        await asyncio.wait_for(drained, 5)
        with pytest.raises(aiohttp.ClientError):
            await system.socket()


async def test_the_return_of_many_clients_is_spread_over_the_window(start) -> None:
    async with start(drainWindow="500ms", maxUserConnections="100") as system:
        clients = [await system.connect("alice", device=number) for number in range(80)]
        drained = asyncio.create_task(system.gateway.drain())
        told = sorted([(await client.frame()).go_away.reconnect_after_ms for client in clients])
        assert told == pytest.approx([500 * number / 80 for number in range(1, 81)], abs=1.01)
        for client in clients:
            assert (await client.closed())[0] == 1012
        await asyncio.wait_for(drained, 20)


async def test_a_gateway_with_few_clients_need_not_spread_their_return(start) -> None:
    async with start(drainWindow="60s") as system:
        alice = await system.connect("alice")
        drained = asyncio.create_task(system.gateway.drain())
        assert (await alice.frame()).HasField("go_away")
        assert (await alice.closed())[0] == 1012
        await asyncio.wait_for(drained, 20)


async def test_a_client_that_shows_no_sign_of_life_is_cut_off(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.service.TICK", 0.1)
    monkeypatch.setattr("services.gateway.websocket.SILENCE", 1.5)
    async with start(pingInterval="1s", authenticationTimeout="10s") as system:
        alive = await system.connect("bob", protocol=0)
        listening = asyncio.create_task(alive.ws.receive())  # answers the pings
        reader, writer = await fragmented(system, [])
        await read_frame(reader)
        opcode, _ = await read_frame(reader)
        assert opcode == 0x89
        await eventually(lambda: len(system.gateway._connections) == 1, 8)
        assert system.gateway._connections.online("bob")
        listening.cancel()
        writer.close()


async def test_an_open_connection_keeps_its_session_alive_and_loses_it_with_it(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.service.TICK", 0.1)
    monkeypatch.setattr("services.gateway.websocket.REVALIDATION", 0.5)
    monkeypatch.setattr("services.gateway.sessions.LIFETIME", 0.1)
    async with start(pingInterval="1s", authenticationTimeout="1s") as system:
        alice = await system.connect("alice")
        closing = asyncio.create_task(alice.closed())
        before = system.backend.validations
        await eventually(lambda: system.backend.validations > before, 8)
        system.backend.revoked.add(token_of("alice"))
        assert (await asyncio.wait_for(closing, 8))[0] == 1003


async def test_a_failure_in_the_gateway_is_logged_and_ends_the_connection(
    system: System, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await system.connect("alice")
    monkeypatch.setattr("services.gateway.websocket.WebSocketServer.message", lambda *arguments: 1 // 0)
    await alice.send(ping={"request_id": "p"})
    assert (await alice.closed())[0] == 1011
    assert "could not be handled" in caplog.text


async def test_connections_and_deliveries_are_counted(system: System) -> None:
    value = system.runtime.metrics.get_sample_value
    bob = await system.connect("bob")
    await system.connect("carol")
    await system.send("alice", "x")
    await bob.bytes()
    assert value("chatsystem_gateway_deliveries_total") >= 1
    assert value("chatsystem_gateway_online_users") >= 1
    await bob.ws.close()
    await eventually(lambda: not system.gateway._connections.online("bob"))


async def test_a_hundred_clients_that_come_and_go_leave_nothing_behind(system: System) -> None:
    for _ in range(5):
        sockets = await asyncio.gather(*(system.socket() for _ in range(20)))
        for index, socket in enumerate(sockets):
            request = ClientAuthenticationReq(session_id=token_of("bob", index), protocol=index % 2)
            await socket.ws.send_bytes(request.SerializeToString())
        await asyncio.gather(*(socket.ws.close() for socket in sockets))
    await eventually(lambda: not len(system.gateway._connections))
    connections = system.gateway._connections
    assert not connections._of_user and not connections._of_session
    assert system.runtime.metrics.get_sample_value("chatsystem_gateway_websocket_connections") == 0
