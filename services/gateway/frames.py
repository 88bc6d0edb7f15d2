"""The bytes that go to clients, made once for many receivers.

A notification is serialised once; frames around it are put together from its bytes. The traps of existing clients' hand
written parsers are handled here and nowhere else: `notify_type` is written even when it is 0, and no person goes out
without a nickname.
"""

from __future__ import annotations

from typing import Any

from services.protocol.gateway_pb2 import Delivery, Event, ServerFrame
from services.protocol.notify_pb2 import NotifyMessage

_EXPLICIT_ZERO_TYPE = b"\x10\x00"
"""Field 2 with value 0. Existing clients drop a notification without field 2; every parser takes fields in any order."""

_FRAME_EVENT = bytes([ServerFrame.EVENT_FIELD_NUMBER << 3 | 2])
_EVENT_NOTIFY = bytes([Event.NOTIFY_FIELD_NUMBER << 3 | 2])


def varint(value: int) -> bytes:
    """A non-negative number as protobuf writes it."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _person(notify: NotifyMessage) -> Any:
    """The UserInfo inside a notification, or None."""
    match notify.WhichOneof("notify_remarks"):
        case "friend_add_apply":
            return notify.friend_add_apply.user_info
        case "friend_process_result":
            return notify.friend_process_result.user_info
        case "new_message_info":
            return notify.new_message_info.message_info.sender
        case _:
            return None


def notification(notify: NotifyMessage) -> bytes:
    """A notification as an existing client understands it."""
    person = _person(notify)
    if person is not None and not person.nickname:
        person.nickname = person.user_id or "?"
    payload = notify.SerializeToString()
    if notify.notify_type == 0:
        return _EXPLICIT_ZERO_TYPE + payload
    return payload


def event(payload: bytes, seq: int, request_id: str) -> bytes:
    """ServerFrame.event around the bytes of a notification."""
    rest = Event(seq=seq, request_id=request_id).SerializeToString()
    inner = _EVENT_NOTIFY + varint(len(payload)) + payload + rest
    return _FRAME_EVENT + varint(len(inner)) + inner


def websocket(payload: bytes) -> bytes:
    """One unmasked binary WebSocket frame (RFC 6455 section 5.2) with a whole message."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


class Rendering:
    """The WebSocket frames of one delivery: what a client gets that speaks frames and what one gets that does not, each
    made when the first receiver needs it and then shared. None: that kind of client gets nothing."""

    __slots__ = ("_delivery", "_framed", "_notification", "_own", "_plain", "sender")

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._notification: bytes | None = None
        self._plain: bytes | None = None
        self._framed: bytes | None = None
        self._own: bytes | None = None
        self.sender = ""
        if delivery.request_id and delivery.HasField("notify"):
            self.sender = delivery.notify.new_message_info.message_info.sender.user_id

    def plain(self) -> bytes | None:
        """For a client that speaks no frames, and so cannot tell a repetition."""
        if self._plain is None:
            delivery = self._delivery
            if delivery.repeat:
                return None
            if delivery.HasField("plain"):
                self._plain = websocket(notification(delivery.plain))
            elif delivery.HasField("notify"):
                self._plain = websocket(self._notify())
        return self._plain

    def framed(self, user_id: str) -> bytes | None:
        """For a client that speaks frames. The request_id goes to the devices of the message's sender only."""
        if self.sender and user_id == self.sender:
            if self._own is None:
                self._own = websocket(event(self._notify(), self._delivery.seq, self._delivery.request_id))
            return self._own
        if self._framed is None:
            delivery = self._delivery
            if delivery.HasField("frame"):
                self._framed = websocket(delivery.frame.SerializeToString())
            elif delivery.HasField("notify"):
                self._framed = websocket(event(self._notify(), delivery.seq, ""))
        return self._framed

    def _notify(self) -> bytes:
        if self._notification is None:
            self._notification = notification(self._delivery.notify)
        return self._notification
