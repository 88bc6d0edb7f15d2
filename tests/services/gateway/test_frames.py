"""The bytes that go to clients."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.frames import Rendering, event, notification, varint, websocket
from services.protocol.base_pb2 import MessageInfo, UserInfo
from services.protocol.gateway_pb2 import Delivery, ServerFrame
from services.protocol.notify_pb2 import NotifyMessage, NotifyNewMessage, NotifyType


def payload_of(frame: bytes | None) -> bytes:
    """The payload of an unmasked frame."""
    assert frame is not None and frame[0] == 0x82
    size, start = frame[1], 2
    if size == 126:
        size, start = int.from_bytes(frame[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(frame[2:10], "big"), 10
    assert len(frame) == start + size
    return frame[start:]


@given(st.integers(0, 2**64 - 1), st.text(max_size=20), st.binary(max_size=300))
def test_an_event_is_what_protobuf_itself_would_write(seq: int, request_id: str, text: bytes) -> None:
    notify = NotifyMessage(notify_type=NotifyType.CHAT_MESSAGE_NOTIFY)
    notify.new_message_info.message_info.message.image_message.image_content = text
    frame = ServerFrame.FromString(event(notify.SerializeToString(), seq, request_id))
    assert (frame.event.notify, frame.event.seq, frame.event.request_id) == (notify, seq, request_id)


@given(st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70000]))
def test_a_websocket_frame_has_the_shortest_length(size: int) -> None:
    assert payload_of(websocket(b"x" * size)) == b"x" * size


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_read_back_by_protobuf(value: int) -> None:
    assert ServerFrame.FromString(b"\x12" + varint(len(varint(value)) + 1) + b"\x10" + varint(value)).event.seq == value


def test_type_zero_is_written_and_other_types_once() -> None:
    assert notification(NotifyMessage()) == b"\x10\x00"
    assert notification(NotifyMessage(notify_type=NotifyType.CHAT_MESSAGE_NOTIFY)) == b"\x10\x03"


def test_a_notification_is_serialised_once_for_all_receivers() -> None:
    info = MessageInfo(message_id="m", sender=UserInfo(user_id="alice", nickname="Alice"))
    notify = NotifyMessage(
        notify_type=NotifyType.CHAT_MESSAGE_NOTIFY, new_message_info=NotifyNewMessage(message_info=info)
    )
    rendering = Rendering(Delivery(notify=notify, seq=4, request_id="r"))
    assert rendering.plain() is rendering.plain()
    assert rendering.framed("bob") is rendering.framed("carol")
    assert ServerFrame.FromString(payload_of(rendering.framed("alice"))).event.request_id == "r"
    assert ServerFrame.FromString(payload_of(rendering.framed("bob"))).event.request_id == ""
