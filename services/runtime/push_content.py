"""What of a message travels to another process."""

from __future__ import annotations

from typing import Any

from services.protocol.gateway_pb2 import Delivery

CONTENT = 64 * 1024
"""Bytes of a picture, file or voice message that travel to another replica. Clients fetch a larger content by its file_id:
a server of the Redis protocol cuts a subscriber off for whom tens of megabytes wait, and everything it would have got is lost."""

_CONTENT_FIELDS = {
    "image_message": "image_content",
    "file_message": "file_contents",
    "speech_message": "file_contents",
}


def without_large_content(delivery: Delivery) -> None:
    """Leaves out in place what clients can fetch."""
    if not delivery.HasField("notify"):
        return
    message = delivery.notify.new_message_info.message_info.message
    kind = message.WhichOneof("msg_content")
    if kind in _CONTENT_FIELDS:
        part: Any = getattr(message, kind)
        if part.file_id and len(getattr(part, _CONTENT_FIELDS[kind])) > CONTENT:
            part.ClearField(_CONTENT_FIELDS[kind])
