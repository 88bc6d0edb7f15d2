"""What both sides of a call between processes agree on: names, limits, texts, the options of a channel."""

from __future__ import annotations

import grpc

from services.protocol import batch_pb2

SECRET_KEY = "x-chatsystem-secret"  # noqa: S105 - the name, not the secret
REQUEST_ID_KEY = "x-request-id"
TRACE_KEY = "traceparent"
STREAM_SERVICE = batch_pb2.DESCRIPTOR.services_by_name["CallStream"].full_name
STREAM_METHOD = f"/{STREAM_SERVICE}/Open"
LARGEST_MESSAGE = 96 * 2**20
"""Bytes. A file of the largest permitted size passes as one message."""
LEAVING = "the replica is leaving"
"""Detail of the status UNAVAILABLE of a call that was not begun: another replica may always be asked."""

CHANNEL_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    # A replica that says nothing for ten seconds is lost: a conversation sticks to its replica and would wait for it.
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # of pings that are not for keepalive, which keepalive waits for
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]


def printable_id(text: str) -> str:
    """A request id as it may stand in a header and a log: a client's can be anything. "" if this one may not."""
    return text if len(text) <= 128 and text.isascii() and text.isprintable() else ""


def describe(error: grpc.aio.AioRpcError) -> str:
    """What went wrong, in words for the log of the caller."""
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return "no answer in time"
        case grpc.StatusCode.UNAUTHENTICATED:
            return "it refused the shared secret; all processes need the same CHATSYSTEM_RPC_SECRET_FILE"
        case grpc.StatusCode.FAILED_PRECONDITION:
            return error.details() or "unavailable"
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return "the message is too large"
        case grpc.StatusCode.UNAVAILABLE if error.details() == LEAVING:
            return LEAVING
    return f"the call failed ({error.code().name})"
