"""The bytes of the client protocol, made by hand so that the load generator spends as little as it can.

A message is prepared once with a placeholder for its request id and its text, both of fixed length; sending one means
joining three pieces. Field numbers are those of services/protocol/*.proto.
"""

from __future__ import annotations

from dataclasses import dataclass

REQUEST_ID = 24
"""Characters of a request id."""

STAMP = 20
"""Digits of the send time in nanoseconds that begins every text."""

MARK = b"bench:"
"""What a receiver looks for; the send time follows."""

SUCCESS = b"\x10\x01"
"""Field 2, true, in the answer of every operation and in SendAck."""


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: bytes | str | int) -> bytes:
    """One field: an integer as varint, everything else with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def authentication(token: str, protocol: int) -> bytes:
    return field(1, "auth") + field(2, token) + (field(3, protocol) if protocol else b"")


@dataclass(frozen=True)
class Template:
    """A message in three pieces around the request id and the send time."""

    before: bytes
    between: bytes
    after: bytes

    def fill(self, request_id: bytes, nanoseconds: int) -> bytes:
        return b"%b%b%b%020d%b" % (self.before, request_id, self.between, nanoseconds, self.after)


def send_template(token: str, chat_session_id: str, *, frame: bool, host: str = "", padding: int = 0) -> Template:
    """A NewMessageReq, as a ClientFrame or (with `host`) as a complete HTTP request."""
    request_id = b"\x00" * REQUEST_ID
    text = MARK + b"\x01" * STAMP + b"x" * padding
    content = field(2, field(1, text))
    body = field(1, request_id) + field(3, token) + field(4, chat_session_id) + field(5, content)
    if frame:
        body = field(1, body)
    else:
        head = (
            f"POST /service/message_transmit/new_message HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: application/x-protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        body = head.encode() + body
    before, rest = body.split(request_id)
    between, after = rest.split(b"\x01" * STAMP)
    return Template(before, between, after)
