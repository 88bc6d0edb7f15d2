"""What the caller of another process must know of each method: may it run twice, must its calls keep their order, does it
share a stream with others. Pure; the only place that says so."""

from __future__ import annotations

from typing import Any

from services.runtime.rpc import DESCRIPTORS

IDEMPOTENT: frozenset[tuple[str, str]] = frozenset(
    (service, method.name)
    for service, descriptor in DESCRIPTORS.items()
    for method in descriptor.methods
    if (method.name.startswith(("Get", "Read", "Find", "Validate")) or method.name.endswith("Search"))
    and method.name != "GetPhoneVerifyCode"  # sends a text message
) | {
    ("store", "Sync"),
    ("store", "SearchMessages"),
    ("store", "MarkRead"),
    ("file", "DeleteFiles"),
    ("speech", "SpeechRecognition"),
}
"""Methods that may always run twice."""

WHOLE: frozenset[tuple[str, str]] = frozenset(
    (service, method.name)
    for service in ("file", "speech")
    for method in DESCRIPTORS[service].methods
    if method.name != "DeleteFiles"
)
"""Methods whose requests or responses hold contents of files: each call is a gRPC call of its own."""

LARGEST_SHARED = 256 * 1024
"""Bytes of the largest request that shares a stream. A larger one would delay those behind it, and costs so much by itself
that sharing saves nothing."""


def repeatable(service: str, method: str, request: Any) -> bool:
    """Whether a call that may have run already may run again, on another replica."""
    if (service, method) == ("transmit", "Send"):
        return bool(request.request_id)  # then the database knows the message again
    return (service, method) in IDEMPOTENT


def order_key(service: str, method: str, request: Any) -> str:
    """Calls with the same key reach the service in the order in which they were made; those with "" need no order."""
    if (service, method) == ("transmit", "Send"):
        return str(request.chat_session_id)
    return ""
