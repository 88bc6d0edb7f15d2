"""The HTTP side: operations, failures, headers."""

from __future__ import annotations

import asyncio
import base64
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.bodies import Malformed, field_numbers, parse
from services.gateway.routes import EXTENSION, ORIGINAL, ROUTES
from services.protocol import base_pb2, friend_pb2, store_pb2, transmit_pb2, user_pb2
from tests.testbed.gateway import System, eventually, new_message, token_of

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}


def test_there_are_thirty_original_operations() -> None:
    assert len(ORIGINAL) == 30
    assert len(ROUTES) == 30 + len(EXTENSION)
    assert [route.path for route in ORIGINAL if not route.authenticated] == [
        "/service/user/get_phone_verify_code",
        "/service/user/username_register",
        "/service/user/username_login",
        "/service/user/phone_register",
        "/service/user/phone_login",
    ]


def test_every_authenticated_request_has_a_session_and_a_user() -> None:
    for route in ROUTES.values():
        fields = route.request_type().DESCRIPTOR.fields_by_name
        assert "request_id" in fields
        assert ("session_id" in fields and "user_id" in fields) == route.authenticated, route.path


async def test_a_request_is_answered_in_protobuf(system: System) -> None:
    request = user_pb2.UserLoginReq(request_id="r", nickname="alice", password="secret")
    answer = await system.post("/service/user/username_login", request, user_pb2.UserLoginRsp)
    assert answer.success and answer.request_id == "r"
    assert answer.login_session_id == token_of("alice")


async def test_a_business_failure_is_http_200_with_a_reason(system: System) -> None:
    request = user_pb2.UserLoginReq(request_id="r", nickname="alice", password="wrong")
    answer = await system.post("/service/user/username_login", request, user_pb2.UserLoginRsp)
    assert (answer.success, answer.errmsg, answer.request_id) == (False, "用户名或密码错误", "r")


async def test_the_user_is_taken_from_the_session_whatever_the_client_says(system: System) -> None:
    request = user_pb2.GetUserInfoReq(request_id="r", user_id="bob", session_id=token_of("alice"))
    answer = await system.post("/service/user/get_user_info", request, user_pb2.GetUserInfoRsp)
    assert answer.user_info.user_id == "alice"


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 100_000, "会话"])
async def test_without_a_session_the_request_id_is_still_echoed(system: System, token: str) -> None:
    request = user_pb2.GetUserInfoReq(request_id="r", session_id=token)
    answer = await system.post("/service/user/get_user_info", request, user_pb2.GetUserInfoRsp)
    assert (answer.success, answer.request_id) == (False, "r")
    assert answer.errmsg == "登录已失效，请重新登录"


@pytest.mark.parametrize("path", list(ROUTES))
async def test_a_body_that_is_no_message_is_a_business_failure(system: System, path: str) -> None:
    async with system.http.post(system.url + path, data=b"\xff\xff\xff") as answer:
        assert answer.status == 200
        response = ROUTES[path].response_type.FromString(await answer.read())
    assert (response.success, response.errmsg, response.request_id) == (False, "请求格式错误", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/service/user/username_login"),
        ("PUT", "/service/user/username_login"),
        ("POST", "/service/user/get_multi_user_info"),
        ("POST", "/"),
        ("GET", "/ping"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
        ("DELETE", "/"),
    ],
)
async def test_every_http_failure_is_400_bad_request(system: System, method: str, path: str) -> None:
    async with system.http.request(method, system.url + path) as answer:
        assert answer.status == 400
        assert await answer.read() == b"Bad Request"
        assert answer.headers["Content-Type"] == "text/plain"
        assert {name: answer.headers[name] for name in CORS} == CORS


@pytest.mark.parametrize("path", ["/service/user/username_login", "/anything", "/"])
async def test_options_is_answered_on_any_path(system: System, path: str) -> None:
    async with system.http.options(system.url + path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert answer.headers["Content-Type"] == "text/plain"
        assert {name: answer.headers[name] for name in CORS} == CORS


async def test_a_syntax_error_in_http_is_400_with_the_cors_headers(system: System) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
    writer.write(b"THIS IS NOT HTTP\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.") and b" 400 " in head.splitlines()[0]
    assert body == b"Bad Request"
    assert b"Access-Control-Allow-Origin: *" in head


async def test_a_body_over_the_limit_is_refused_before_it_is_read(start) -> None:
    async with start(maxBodySize="64Ki") as system:
        reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        writer.write(b"POST /service/user/set_avatar HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b" 400 " in answer.splitlines()[0]
        writer.close()


async def test_a_chunked_body_over_the_limit_is_refused(start) -> None:
    async with start(maxBodySize="64Ki") as system:

        async def chunks():
            for _ in range(100):
                yield b"x" * 1024

        async with system.http.post(system.url + "/service/user/set_avatar", data=chunks()) as answer:
            assert answer.status == 400


async def test_a_request_that_carries_no_file_may_not_be_as_large_as_one(system: System) -> None:
    for path, status in (("/service/user/username_login", 400), ("/service/user/set_avatar", 200)):
        async with system.http.post(system.url + path, data=bytes(3 * 2**20)) as answer:
            assert answer.status == status


@pytest.mark.parametrize(
    ("path", "json", "body"),
    [
        ("/service/message_storage/sync", True, b'{"cursor":[' + b"{}," * 600_000 + b"{}]}"),
        ("/service/friend/chat_session_add_member", True, b'{"member_id_list":[' + b'"",' * 600_000 + b'""]}'),
        ("/service/file/put_multi_file", False, b"\x22\x00" * 2_000_000),
        ("/service/message_transmit/new_message", False, b"\x32\x00" * 2_000_000),
    ],
)
def test_a_small_body_cannot_become_a_large_message(path: str, json: bool, body: bytes) -> None:
    route = ROUTES[path]
    tracemalloc.start()
    with pytest.raises(Malformed):
        parse(route.request_type, body, json)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**20


@given(st.lists(st.sampled_from([(1, "request_id"), (3, "session_id"), (5, "chat_session_id"), (9, "")]), max_size=20))
def test_the_fields_of_a_body_are_counted_as_protobuf_writes_them(fields: list[tuple[int, str]]) -> None:
    body = b"".join(bytes([number << 3 | 2, 200, 1]) + b"x" * 200 for number, _ in fields)
    body += b"\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x59" + bytes(8) + b"\x65" + bytes(4)
    assert field_numbers(body) == [number for number, _ in fields] + [10, 11, 12]


@pytest.mark.parametrize(
    "body", [b"\x0a\x05abc", b"\x0a", b"\x08" + b"\xff" * 11, b"\x0b\x0c", b"\x09abc", b"\x0a\xff\xff\xff\xff\x0f"]
)
def test_what_is_no_protobuf_has_no_fields(body: bytes) -> None:
    with pytest.raises(Malformed):
        field_numbers(body)


async def test_bodies_that_are_worked_on_count_as_kept(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.http.BODY_MEMORY", 100_000)
    async with start() as system:
        released = asyncio.Event()
        system.backend.hold = lambda request: released.wait()
        waiting = asyncio.create_task(system.send("alice", "x" * 80_000, "r1"))
        await eventually(lambda: system.backend.sent)
        reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        writer.write(b"POST /service/user/set_avatar HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n")
        writer.write(bytes(40_000))
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        released.set()
        assert (await waiting).success
        assert (await system.send("alice", "x" * 80_000, "r3")).success


async def test_a_json_body_is_understood_and_answered_in_protobuf(system: System) -> None:
    body = {
        "request_id": "r",
        "session_id": token_of("alice"),
        "user_id": "x",
        "chat_session_id": "c1",
        "member_id_list": ["dave"],
        "unknown": {"a": 1},
    }
    url = system.url + "/service/friend/chat_session_add_member"
    async with system.http.post(url, json=body) as answer:
        assert answer.headers["Content-Type"] == "application/x-protobuf"
        response = friend_pb2.ChatSessionAddMemberRsp.FromString(await answer.read())
    assert response.success and response.request_id == "r"
    assert list(system.backend.seen[-1].member_id_list) == ["dave"]
    assert system.backend.seen[-1].user_id == "alice"


async def test_a_json_body_may_ask_for_a_json_answer(system: System) -> None:
    body = {"requestId": "r", "sessionId": token_of("alice")}
    url = system.url + "/service/user/get_user_info"
    async with system.http.post(url, json=body, headers={"Accept": "application/json"}) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        response = json.loads(await answer.read())
    assert response["user_info"]["user_id"] == "alice"
    assert response["success"] is True


async def test_bytes_in_json_are_base64(system: System) -> None:
    image = base64.b64encode(b"\x00\xff picture").decode()
    body = {
        "request_id": "r",
        "session_id": token_of("alice"),
        "chat_session_id": "c1",
        "message": {"message_type": "IMAGE", "image_message": {"image_content": image}},
    }
    async with system.http.post(system.url + "/service/message_transmit/new_message", json=body) as answer:
        assert transmit_pb2.NewMessageRsp.FromString(await answer.read()).success
    assert system.backend.sent[-1].message.image_message.image_content == b"\x00\xff picture"


@pytest.mark.parametrize("body", [b"", b"[]", b"nul", b'{"request_id": 5}', b"[" * 100_000, b'{"a":' * 50_000, b"\xff"])
async def test_broken_json_is_a_business_failure(system: System, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with system.http.post(system.url + "/service/user/username_login", data=body, headers=headers) as answer:
        assert answer.status == 200
        assert not user_pb2.UserLoginRsp.FromString(await answer.read()).success


async def test_internal_fields_do_not_leave_the_system(system: System) -> None:
    create = friend_pb2.ChatSessionCreateReq(request_id="r", session_id=token_of("alice"), chat_session_name="群")
    created = await system.post("/service/friend/create_chat_session", create, friend_pb2.ChatSessionCreateRsp)
    assert created.success and not created.HasField("chat_session_info")
    apply = friend_pb2.FriendAddReq(request_id="r", session_id=token_of("alice"), respondent_id="bob")
    applied = await system.post("/service/friend/add_friend_apply", apply, friend_pb2.FriendAddRsp)
    assert applied.notify_event_id == "event" and not applied.delivery
    mark = store_pb2.MarkReadReq(request_id="r", session_id=token_of("alice"), chat_session_id="c1", seq=3)
    marked = await system.post("/service/message_storage/mark_read", mark, store_pb2.MarkReadRsp)
    assert marked.read_seq == 3 and not marked.member_id and not marked.advanced


async def test_a_crash_of_a_handler_tells_the_client_nothing(system: System, caplog: pytest.LogCaptureFixture) -> None:
    request = friend_pb2.GetFriendListReq(request_id="r", session_id=token_of("alice"))
    answer = await system.post("/service/friend/get_friend_list", request, friend_pb2.GetFriendListRsp)
    assert (answer.success, answer.errmsg, answer.request_id) == (False, "服务器内部错误，请稍后重试", "r")
    assert any(record.__dict__.get("request_id") == "r" and record.exc_info for record in caplog.records)


async def test_a_service_that_is_away_is_a_business_failure(system: System) -> None:
    system.backend.down.add("transmit")
    answer = await system.send("alice", "hello", "r")
    assert (answer.success, answer.errmsg, answer.request_id) == (False, "服务暂不可用，请稍后重试", "r")
    system.backend.down = {"user"}
    answer = await system.send("bob", "hello", "r")
    assert (answer.success, answer.errmsg) == (False, "服务暂不可用，请稍后重试")


async def test_a_failure_always_has_a_reason(system: System) -> None:
    request = user_pb2.SetUserNicknameReq(request_id="r", session_id=token_of("alice"))
    answer = await system.post("/service/user/set_nickname", request, user_pb2.SetUserNicknameRsp)
    assert (answer.success, answer.errmsg) == (False, "操作失败")


async def test_a_refused_message_is_not_pushed(system: System) -> None:
    bob = await system.connect("bob")
    answer = await system.send("mallory", "hello")
    assert (answer.success, answer.errmsg) == (False, "您不是该会话的成员")
    await bob.silent()


async def test_sends_are_limited_per_person(start) -> None:
    async with start(sendRate="1", sendBurst="2") as system:
        answers = [await system.send("alice", "x", f"r{i}", device=i) for i in range(4)]
        assert [answer.success for answer in answers] == [True, True, False, False]
        assert answers[3].errmsg == "操作过于频繁，请稍后再试"
        assert (await system.send("bob", "x", "r")).success


async def test_requests_are_limited_per_session_and_without_one_per_address(start) -> None:
    async with start(requestRate="1", requestBurst="2") as system:
        request = user_pb2.GetUserInfoReq(request_id="r", session_id=token_of("alice"))
        path = "/service/user/get_user_info"
        answers = [await system.post(path, request, user_pb2.GetUserInfoRsp) for _ in range(3)]
        assert [answer.success for answer in answers] == [True, True, False]
        request.session_id = token_of("alice", 2)
        assert (await system.post(path, request, user_pb2.GetUserInfoRsp)).success
        login = user_pb2.UserLoginReq(nickname="alice", password="secret")
        answers = [await system.post("/service/user/username_login", login, user_pb2.UserLoginRsp) for _ in range(3)]
        assert [answer.success for answer in answers] == [True, True, False]


async def test_a_logged_out_session_is_refused_at_once(system: System) -> None:
    assert (await system.send("alice", "x", "r1")).success
    logout = user_pb2.LogoutReq(request_id="r", session_id=token_of("alice"))
    assert (await system.post("/service/user/logout", logout, user_pb2.LogoutRsp)).success
    answer = await system.send("alice", "x", "r2")
    assert (answer.success, answer.errmsg) == (False, "登录已失效，请重新登录")


async def test_a_session_is_not_asked_for_again_and_again(system: System) -> None:
    for index in range(5):
        await system.send("alice", "x", f"r{index}")
    assert system.backend.validations == 1


async def test_pipelined_requests_are_answered_in_order(system: System) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
    for index in range(3):
        body = new_message("x", f"p{index}", token=token_of("alice")).SerializeToString()
        writer.write(
            b"POST /service/message_transmit/new_message HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )
    for index in range(3):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        size = int(next(line for line in head.splitlines() if line.startswith(b"Content-Length")).split(b":")[1])
        answer = transmit_pb2.NewMessageRsp.FromString(await reader.readexactly(size))
        assert answer.request_id == f"p{index}"
    writer.close()


async def test_a_forwarded_address_is_believed_only_when_asked_for(start) -> None:
    login = user_pb2.UserLoginReq(nickname="alice", password="secret").SerializeToString()

    async def attempts(system: System, forwarded: list[str]) -> list[bool]:
        results = []
        for value in forwarded:
            headers = {"X-Forwarded-For": value}
            url = system.url + "/service/user/username_login"
            async with system.http.post(url, data=login, headers=headers) as answer:
                results.append(user_pb2.UserLoginRsp.FromString(await answer.read()).success)
        return results

    async with start(requestRate="1", requestBurst="1") as system:
        assert await attempts(system, ["1.1.1.1", "2.2.2.2"]) == [True, False]
    async with start(requestRate="1", requestBurst="1", trustedProxies="1") as system:
        assert await attempts(system, ["9.9.9.9, 1.1.1.1", "9.9.9.9, 2.2.2.2", "8.8.8.8, 1.1.1.1"]) == [
            True,
            True,
            False,
        ]


async def test_a_body_that_stops_coming_is_given_up(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.http.BODY_GRACE", 0.2)
    async with start() as system:
        reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        writer.write(b"POST /service/user/set_avatar HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b" 400 " in answer.splitlines()[0]
        writer.close()


async def test_a_head_that_never_ends_is_given_up(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.http.IDLE", 0.2)
    async with start() as system:
        reader, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        writer.write(b"POST /service/user/set_avatar HTTP/1.1\r\nHost: ")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_http_connections_over_the_limit_are_closed(start) -> None:
    async with start(maxHttpConnections="1") as system:
        first = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        second = await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        assert await asyncio.wait_for(second[0].read(), 5) == b""
        first[1].close()
        second[1].close()


async def test_more_requests_than_can_be_worked_on_are_told_so(start) -> None:
    async with start(maxRequests="1") as system:
        released = asyncio.Event()
        system.backend.hold = lambda request: released.wait()
        waiting = asyncio.create_task(system.send("alice", "x", "r1"))
        await eventually(lambda: system.backend.sent)
        answer = await system.send("bob", "x", "r2")
        assert (answer.success, answer.errmsg) == (False, "系统繁忙，请稍后再试")
        released.set()
        assert (await waiting).success


async def test_a_draining_gateway_finishes_what_it_began_and_takes_no_more(start) -> None:
    async with start(drainWindow="5s") as system:
        released = asyncio.Event()
        system.backend.hold = lambda request: released.wait()
        waiting = asyncio.create_task(system.send("alice", "x", "r1"))
        await eventually(lambda: system.backend.sent)
        drained = asyncio.create_task(system.gateway.drain())
        await asyncio.sleep(0.05)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", system.gateway.http_port)
        released.set()
        assert (await waiting).success
        await asyncio.wait_for(drained, 3)


async def test_two_gateways_share_their_ports(system: System) -> None:
    from services.gateway.listener import listen

    listen("127.0.0.1", system.gateway.http_port).close()
    listen("127.0.0.1", system.gateway.websocket_port).close()


async def test_a_large_body_arrives_whole(system: System) -> None:
    picture = bytes(range(256)) * 40_000
    request = new_message("", "r", token=token_of("alice"))
    request.message.image_message.image_content = picture
    answer = await system.post("/service/message_transmit/new_message", request, transmit_pb2.NewMessageRsp)
    assert answer.success
    assert system.backend.sent[-1].message.image_message.image_content == picture


async def test_requests_are_counted_by_path_and_result(system: System) -> None:
    await system.send("alice", "x", "r1")
    await system.send("mallory", "x", "r2")
    path = "/service/message_transmit/new_message"
    value = system.runtime.metrics.get_sample_value
    name = "chatsystem_gateway_requests_total"
    assert value(name, {"path": path, "result": "ok"}) == 1
    assert value(name, {"path": path, "result": "refused"}) == 1
    assert value("chatsystem_gateway_request_seconds_count", {"path": path}) == 2


async def test_a_client_that_does_not_take_its_answer_is_cut_off(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.http.BODY_GRACE", 0.3)
    monkeypatch.setattr("services.gateway.http.BODY_RATE", 10**12)
    async with start() as system:

        async def large(request):
            info = base_pb2.UserInfo(user_id="alice", nickname="alice", avatar=bytes(30_000_000))
            return user_pb2.GetUserInfoRsp(request_id=request.request_id, success=True, user_info=info)

        system.backend.user_get_user_info = large
        _, writer = await asyncio.open_connection("127.0.0.1", system.gateway.http_port, limit=1024)
        body = user_pb2.GetUserInfoReq(session_id=token_of("alice")).SerializeToString()
        writer.write(
            b"POST /service/user/get_user_info HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        await eventually(lambda: system.gateway._http and system.gateway._http.connected == 0)
        writer.close()


async def test_a_large_answer_arrives_whole(system: System) -> None:
    async def large(request):
        info = base_pb2.UserInfo(user_id="alice", nickname="alice", avatar=bytes(range(256)) * 40_000)
        return user_pb2.GetUserInfoRsp(request_id=request.request_id, success=True, user_info=info)

    system.backend.user_get_user_info = large
    request = user_pb2.GetUserInfoReq(session_id=token_of("alice"))
    for _ in range(2):
        answer = await system.post("/service/user/get_user_info", request, user_pb2.GetUserInfoRsp)
        assert answer.user_info.avatar == bytes(range(256)) * 40_000
