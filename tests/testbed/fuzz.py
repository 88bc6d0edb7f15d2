"""Input that no client sends on purpose, and sockets to bring it to a server with a deadline on every answer.

Bodies are made in two ways: without any structure, and from the schema, with values of the right type that mean nothing,
then damaged a little. Only the latter get past the parser.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.testbed.client import PASSWORD, new_name
from tests.testbed.operations import BY_NAME
from tests.testbed.schema import CODEC
from tests.testbed.system import System
from tests.testbed.wire import delimited

DEADLINE = 10.0
"""Seconds in which the server has to answer or close, whatever it got."""

settings.register_profile(
    "test", max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
settings.register_profile("long", settings.get_profile("test"), max_examples=20_000)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))
"""`long` by HYPOTHESIS_PROFILE=long; the default takes seconds."""

_STRINGS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "\0", "'", "../x", "\ud800", "👨‍👩‍👧", "x" * 70_000, "-1", "status:x", "%s%n", "\u202e"]),
)
_NUMBERS = st.one_of(st.integers(0, 20), st.sampled_from([2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]))


@st.composite
def messages(draw: Any, message: str, fixed: dict[str, str], depth: int = 0) -> bytes:
    """A message of a type with any of its fields, in any order, some twice. `fixed` gives strings to use for a field by its
    name most of the time, such as a valid session_id."""
    lines = list(CODEC._by_name[message].values())
    chosen = draw(st.lists(st.sampled_from(lines), max_size=len(lines) + 2))
    known = [line for line in lines if line.name in fixed and draw(st.integers(0, 9))]
    out = bytearray()
    for line in [*chosen, *known]:
        if line.name in fixed and line in known:
            out += CODEC._encode_one(line, fixed[line.name])
        elif line.kind == "string":
            out += CODEC._encode_one(line, draw(_STRINGS))
        elif line.kind == "bytes":
            out += CODEC._encode_one(line, draw(st.binary(max_size=60)))
        elif line.kind in CODEC._by_name:
            if depth < 3:
                nested = draw(messages(line.kind, fixed, depth + 1))
                out += delimited(line.number, nested)
        else:
            out += CODEC._encode_one(line, draw(_NUMBERS))
    return bytes(out)


@st.composite
def damaged(draw: Any, whole: bytes) -> bytes:
    """The bytes with a few of them changed, dropped, repeated or inserted."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 3)):
            case 0 if data:
                data[place] = draw(st.integers(0, 255))
            case 1:
                del data[place : place + draw(st.integers(1, 4))]
            case 2:
                data[place:place] = draw(st.binary(min_size=1, max_size=8))
            case _:
                data[place:place] = data[place : place + 16]
    return bytes(data)


def exchange(host: str, port: int, data: bytes, *, keep_open: bool = False) -> bytes:
    """Sends, says that nothing follows, and returns everything that comes until the server closes. AssertionError when it
    does neither within DEADLINE."""
    received = bytearray()
    with socket.create_connection((host, port), timeout=DEADLINE) as connection:
        try:
            connection.sendall(data)
            if not keep_open:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                received += part
        except TimeoutError:
            raise AssertionError(f"no answer and no end within {DEADLINE} s after {data[:200]!r}") from None
        except OSError:  # reset, or closed before the shutdown
            pass
    return bytes(received)


class Post:
    """POSTs on one kept connection, opened again when the server closes it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._connection: socket.socket | None = None

    def __call__(self, path: str, body: bytes, content_type: str = "application/x-protobuf") -> tuple[int, bytes]:
        """Status and body."""
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        if self._connection is None:
            self._connection = socket.create_connection(self._address, timeout=DEADLINE)
        self._connection.sendall(head.encode() + body)
        received = bytearray()
        while b"\r\n\r\n" not in received:
            part = self._connection.recv(65_536)
            assert part, f"closed without an answer after {path} {body[:200]!r}"
            received += part
        top, _, rest = bytes(received).partition(b"\r\n\r\n")
        lines = top.lower().split(b"\r\n")
        size = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
        while len(rest) < size:
            rest += self._connection.recv(65_536)
        if b"connection: close" in lines:
            self.close()
        return int(lines[0].split(b" ")[1]), rest

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def account(system: System) -> tuple[str, str]:
    """A new person's session id and user id."""
    post = Post(system.host, system.http_port)
    name = new_name("fuzz")

    def call(operation: str, **fields: Any) -> dict[str, Any]:
        known = BY_NAME[operation]
        status, answer = post(known.path, CODEC.encode(known.request, fields))
        assert status == 200
        return CODEC.decode(known.response, answer)

    assert call("username_register", nickname=name, password=PASSWORD)["success"]
    session_id = call("username_login", nickname=name, password=PASSWORD)["login_session_id"]
    user_id = call("get_user_info", session_id=session_id)["user_info"]["user_id"]
    post.close()
    return session_id, user_id


def assert_unharmed(system: System, pid: int) -> None:
    """The process is the same, serves a good client, and has logged no error."""
    assert system.processes["all"].running
    assert system.processes["all"].pid == pid
    account(system)
    log = system.processes["all"].output()
    for sign in ("Traceback", " ERROR ", "CRITICAL", "never retrieved", "exception ignored"):
        assert sign.lower() not in log.lower(), f"the log has {sign!r}"
