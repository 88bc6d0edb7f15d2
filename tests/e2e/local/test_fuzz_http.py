"""Whatever arrives at the HTTP port: an answer in time that is no server error, and a server that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.testbed import fuzz
from tests.testbed.operations import EXTENSION, ORIGINAL, Operation
from tests.testbed.schema import CODEC
from tests.testbed.system import System
from tests.testbed.wire import WireError

OPERATIONS = st.sampled_from([*ORIGINAL, *EXTENSION])
ENDING = ("logout", "change_password")
"""Operations that would end the session that the others need."""


pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Iterator[System]:
    one = System(tmp_path_factory.mktemp("fuzz"), settings={"CHATSYSTEM_USER_CODE_INTERVAL": "0s"}).start()
    yield one
    one.stop()
    one.assert_clean()


@pytest.fixture
def unharmed(target: System) -> Iterator[System]:
    """The system, looked at after the test."""
    pid = target.processes["all"].pid
    yield target
    fuzz.assert_unharmed(target, pid)


def assert_answer(operation: Operation, status: int, body: bytes) -> None:
    assert status == 200, (status, body)
    try:
        fields = CODEC.decode(operation.response, body)
    except WireError as error:
        raise AssertionError(f"{operation.path}: {error}") from error
    assert fields["success"] or fields["errmsg"]


@fuzz.PROFILE
@given(data=st.data())
def _bodies_from_the_schema(system: System, post: fuzz.Post, fixed: dict[str, str], data: Any) -> None:
    operation = data.draw(OPERATIONS)
    if operation.name in ENDING:
        fixed = {}
    body = data.draw(fuzz.messages(operation.request, fixed).flatmap(fuzz.damaged))
    assert_answer(operation, *post(operation.path, body))


def test_bodies_from_the_schema(unharmed: System):
    session_id, user_id = fuzz.account(unharmed)
    _, other_id = fuzz.account(unharmed)
    post = fuzz.Post(unharmed.host, unharmed.http_port)
    fixed = {"session_id": session_id, "respondent_id": other_id, "apply_user_id": other_id, "member_id": user_id}
    _bodies_from_the_schema(unharmed, post, fixed)
    post.close()


@fuzz.PROFILE
@given(operation=OPERATIONS, body=st.binary(max_size=400))
def _bodies_without_structure(post: fuzz.Post, operation: Operation, body: bytes) -> None:
    assert_answer(operation, *post(operation.path, body))


def test_bodies_without_structure(unharmed: System):
    post = fuzz.Post(unharmed.host, unharmed.http_port)
    _bodies_without_structure(post)
    post.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["request_id", "session_id", "chat_session_id", "member_id_list", "message", "x"]), inner
        )
    ),
    max_leaves=12,
)


@fuzz.PROFILE
@given(operation=OPERATIONS, document=JSON, damage=st.data())
def _json_bodies(post: fuzz.Post, operation: Operation, document: Any, damage: Any) -> None:
    body = damage.draw(fuzz.damaged(json.dumps(document).encode()))
    assert_answer(operation, *post(operation.path, body, "application/json"))


def test_json_bodies(unharmed: System):
    post = fuzz.Post(unharmed.host, unharmed.http_port)
    _json_bodies(post)
    deep = b"[" * 100_000
    status, _ = post(ORIGINAL[0].path, deep, "application/json")
    assert status == 200
    post.close()


METHODS = st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "PRI", "get", "P\0ST", "", "A" * 9000])
TARGETS = st.sampled_from(
    [
        "/",
        "*",
        "/service/user/username_login",
        "//",
        "/%00",
        "/..%2f..%2fetc/passwd",
        "http://x/",
        "x:1",
        "",
        "/\xff",
        "/" * 9000,
    ]
)
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/", "", "\0"])
HEADERS = st.sampled_from(
    [
        "Host: x",
        "Content-Length: 0",
        "Content-Length: 5",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length: 0x10",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: x",
        "Content-Encoding: gzip",
        "Content-Encoding: deflate",
        "Expect: 100-continue",
        "Connection: close",
        "Connection: upgrade",
        "Upgrade: websocket",
        "Upgrade: h2c",
        "Content-Type: application/json",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: ;;;===",
        "Accept: application/json",
        "Range: bytes=0-,1-2",
        'If-None-Match: "x',
        "If-Modified-Since: yesterday",
        "Cookie: " + "a=b; " * 3000,
        "X: \0",
        " folded",
        "no colon",
        ": no name",
        "X: " + "y" * 70_000,
    ]
)


ENDS = st.sampled_from(["\r\n", "\n", "\r", "\r\n\r\n"])
HEADS = st.builds(
    lambda first, headers, end: end.join([" ".join(first), *headers, "", ""]).encode("latin-1"),
    st.tuples(METHODS, TARGETS, VERSIONS),
    st.lists(HEADERS, max_size=8),
    ENDS,
)
CHUNKS = st.sampled_from([b"5\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\n", b"-1\r\n", b"0;x=y\r\n\r\n"])


@fuzz.PROFILE
@given(head=HEADS, rest=st.binary(max_size=60) | CHUNKS)
def _requests(system: System, head: bytes, rest: bytes) -> None:
    answer = fuzz.exchange(system.host, system.http_port, head + rest)
    for part in answer.split(b"HTTP/1.")[1:]:
        assert not part[2:].startswith(b"5"), answer[:300]


def test_requests_of_any_form(unharmed: System):
    _requests(unharmed)


@fuzz.PROFILE
@given(data=st.binary(max_size=300))
def _bytes(system: System, data: bytes) -> None:
    answer = fuzz.exchange(system.host, system.http_port, data)
    assert not answer or answer.startswith(b"HTTP/1."), answer[:100]


def test_bytes_of_any_kind(unharmed: System):
    _bytes(unharmed)
