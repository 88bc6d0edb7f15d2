"""The HTTP rules that existing clients rely on."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.testbed.client import Api, befriend, make_group, new_name
from tests.testbed.http import Answer
from tests.testbed.operations import BY_NAME, EXTENSION, ORIGINAL, Operation
from tests.testbed.schema import CODEC

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": {"GET", "POST", "PUT", "DELETE", "OPTIONS"},
    "access-control-allow-headers": {"content-type", "authorization"},
}
ALL = pytest.mark.parametrize("operation", (*ORIGINAL, *EXTENSION), ids=lambda operation: operation.name)


def assert_cors(answer: Answer) -> None:
    assert answer.headers["access-control-allow-origin"] == "*"
    methods = {word.strip() for word in answer.headers["access-control-allow-methods"].split(",")}
    assert methods >= CORS["access-control-allow-methods"]
    allowed = {word.strip().lower() for word in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= CORS["access-control-allow-headers"]


def assert_bad_request(answer: Answer) -> None:
    assert answer.status == 400
    assert answer.body == b"Bad Request"
    assert answer.headers["content-type"].startswith("text/plain")
    assert_cors(answer)


def test_there_are_thirty_original_operations():
    assert len({operation.path for operation in ORIGINAL}) == 30


@ALL
async def test_every_operation_answers_a_protobuf_message_with_cors_headers(api: Api, operation: Operation):
    answer = await api.http.request("POST", operation.path, CODEC.encode(operation.request, {"request_id": "r"}))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert_cors(answer)
    fields = CODEC.decode(operation.response, answer.body)
    assert fields["success"] is False
    assert fields["errmsg"]


@ALL
@pytest.mark.defect("Q9")
async def test_a_failure_echoes_the_request_id(api: Api, operation: Operation):
    body = CODEC.encode(operation.request, {"request_id": "r-echo"})
    assert (await api.exchange_bytes(operation, body)).fields["request_id"] == "r-echo"


@pytest.mark.parametrize("body", [b"\xff\xff\xff\xff", b"\x0a\x7fshort", b"\x0b", b"\x00" * 10])
@ALL
async def test_a_body_that_is_no_message_is_a_business_failure(api: Api, operation: Operation, body: bytes):
    fields = (await api.exchange_bytes(operation, body)).fields
    assert fields["success"] is False
    assert fields["errmsg"]


@pytest.mark.parametrize("session", ["", "unknown", "x" * 43, "x" * 100_000, "状态", "status:abc"])
@pytest.mark.parametrize(
    "operation", [one for one in (*ORIGINAL, *EXTENSION) if one.authenticated], ids=lambda operation: operation.name
)
async def test_an_operation_without_a_valid_session_is_refused(api: Api, operation: Operation, session: str):
    fields = (await api.exchange(operation.name, session_id=session)).fields
    assert (fields["success"], bool(fields["errmsg"])) == (False, True)


@ALL
async def test_options_is_answered_empty_with_cors_headers(api: Api, operation: Operation):
    answer = await api.http.request("OPTIONS", operation.path, headers={"Origin": "http://elsewhere"})
    assert (answer.status, answer.body) == (200, b"")
    assert_cors(answer)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/service/user", "/service/agent/agents"])
async def test_options_is_answered_on_any_path(api: Api, path: str):
    answer = await api.http.request("OPTIONS", path)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/plain")
    assert_cors(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ping"),
        ("POST", "/nowhere"),
        ("POST", "/service/user/get_multi_user_info"),
        ("POST", "/service/user/validate_session"),
        ("POST", "/service/user/find_users"),
        ("POST", "/service/message_storage/get_last_messages"),
        ("POST", "/service/file/read_files"),
        ("POST", "/service/file/store_file"),
        ("POST", "/service/file/delete_files"),
        ("POST", "/service/message_transmit/get_transmit_target"),
        ("GET", "/service/user/username_login"),
        ("PUT", "/service/user/username_login"),
        ("DELETE", "/service/user/get_user_info"),
        ("PATCH", "/service/user/get_user_info"),
        ("POST", "/service/user/get_user_info/"),
        ("POST", "/service/user/get_user_info/../username_login"),
        ("POST", "/service/user/GET_USER_INFO"),
        ("GET", "/service/agent/agents"),
        ("POST", "/agent/webhook/message"),
    ],
)
async def test_an_unknown_path_or_a_wrong_method_is_a_bad_request(api: Api, method: str, path: str):
    assert_bad_request(await api.http.request(method, path))


async def test_a_business_failure_is_a_200(api: Api):
    answer = await api.exchange("username_login", nickname=new_name(), password="wrong_12")
    assert answer.fields["success"] is False


async def test_the_content_type_of_a_request_does_not_matter(api: Api):
    body = CODEC.encode("UserRegisterReq", {"nickname": new_name(), "password": "secret_12"})
    operation = BY_NAME["username_register"]
    for content_type in ("text/plain", "application/octet-stream", "application/x-protobuf; charset=utf-8"):
        answer = await api.http.request("POST", operation.path, body, {"Content-Type": content_type})
        assert answer.status == 200
        CODEC.decode(operation.response, answer.body)


async def test_a_query_string_is_ignored(api: Api):
    answer = await api.http.request("POST", BY_NAME["username_login"].path + "?x=1", b"")
    assert answer.status == 200


async def test_a_body_of_51_mib_is_accepted(api: Api, pair):
    one, _, _ = pair
    content = bytes(50 * 2**20)
    answer = await api.exchange(
        "put_single_file",
        session_id=one.session_id,
        file_data={"file_name": "big", "file_size": len(content), "file_content": content},
        timeout=60.0,
    )
    assert answer.fields["success"] is True, answer.fields["errmsg"]
    assert answer.fields["file_info"]["file_size"] == len(content)


async def test_a_body_beyond_the_limit_is_refused_in_words_and_the_server_goes_on(api: Api, pair):
    one, _, _ = pair
    head = b"POST /service/file/put_single_file HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n"
    reader, writer = await asyncio.open_connection(api.host, api.http_port)
    writer.write(head)
    async with asyncio.timeout(10):
        first = await reader.readline()
    writer.close()
    assert first.split(b" ")[1] in (b"200", b"400", b"413")
    await one.call("get_user_info")


async def test_chunked_bodies_are_understood(api: Api):
    body = CODEC.encode("UserLoginReq", {"request_id": "chunked", "nickname": "x", "password": "y"})
    reader, writer = await asyncio.open_connection(api.host, api.http_port)
    writer.write(b"POST /service/user/username_login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(body), 5):
        piece = body[start : start + 5]
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    writer.write(b"0\r\n\r\n")
    async with asyncio.timeout(10):
        assert b" 200 " in await reader.readline()
    writer.close()


async def test_connections_are_kept_alive(api: Api):
    body = CODEC.encode("UserLoginReq", {"nickname": "x"})
    head = b"POST /service/user/username_login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    reader, writer = await asyncio.open_connection(api.host, api.http_port)
    async with asyncio.timeout(10):
        for _ in range(3):
            writer.write(head + body)
            answered = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert b"connection: close" not in answered
            size = next(line for line in answered.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(size.split(b":")[1]))
    writer.close()


async def test_member_management_takes_the_json_of_the_browser_client(api: Api, pair):
    one, other, _ = pair
    third = await api.register()
    await befriend(one, third)
    group = await make_group(one, other)
    common = {"request_id": "j1", "session_id": one.session_id, "user_id": "ignored", "chat_session_id": group}
    headers = {"Content-Type": "application/json"}
    operation = BY_NAME["chat_session_add_member"]
    body = json.dumps(common | {"member_id_list": [third.user_id]}).encode()
    answer = await api.http.request("POST", operation.path, body, headers)
    assert answer.headers["content-type"] == "application/x-protobuf"
    fields = CODEC.decode(operation.response, answer.body)
    assert (fields["success"], fields["request_id"]) == (True, "j1")
    members = await one.call("get_chat_session_member", chat_session_id=group)
    assert third.user_id in {person["user_id"] for person in members["member_info_list"]}
    operation = BY_NAME["chat_session_remove_member"]
    body = json.dumps(common | {"member_id": third.user_id}).encode()
    answer = await api.http.request("POST", operation.path, body, headers)
    assert CODEC.decode(operation.response, answer.body)["success"] is True
    members = await one.call("get_chat_session_member", chat_session_id=group)
    assert third.user_id not in {person["user_id"] for person in members["member_info_list"]}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"{}", b'{"member_id_list": "x"}', b'{"session_id": 5}', b"nul"])
async def test_broken_json_is_a_business_failure(api: Api, body: bytes):
    operation = BY_NAME["chat_session_add_member"]
    answer = await api.http.request("POST", operation.path, body, {"Content-Type": "application/json"})
    assert answer.status == 200
    fields = CODEC.decode(operation.response, answer.body)
    assert (fields["success"], bool(fields["errmsg"])) == (False, True)
