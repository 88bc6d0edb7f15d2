"""The hand-written codec agrees with protobuf's own on bytes, and the judges with the clients they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.protocol import file_pb2, friend_pb2, gateway_pb2, notify_pb2, store_pb2, transmit_pb2, user_pb2
from tests.testbed import judges
from tests.testbed.schema import CODEC, picture, text
from tests.testbed.wire import WireError, delimited, fields, read_varint, tag, write_varint

MODULES = (file_pb2, friend_pb2, gateway_pb2, notify_pb2, store_pb2, transmit_pb2, user_pb2)


@given(st.integers(0, 2**64 - 1))
def test_a_varint_survives_the_wire(number):
    assert read_varint(write_varint(number), 0) == (number, len(write_varint(number)))


@given(st.text(), st.binary(max_size=300), st.integers(0, 2**31 - 1))
def test_both_implementations_agree_on_a_message(name, content, size):
    theirs = file_pb2.PutSingleFileReq(
        request_id="r", file_data={"file_name": name, "file_size": size, "file_content": content}
    )
    values = {"request_id": "r", "file_data": {"file_name": name, "file_size": size, "file_content": content}}
    ours = CODEC.encode("PutSingleFileReq", values)
    assert file_pb2.PutSingleFileReq.FromString(ours) == theirs
    decoded = CODEC.decode("PutSingleFileReq", theirs.SerializeToString())
    assert decoded["request_id"] == "r"
    if name or content or size:
        assert decoded["file_data"] == values["file_data"]


def test_negative_numbers_and_maps_are_read():
    message = store_pb2.GetHistoryMsgReq(start_time=-5)
    assert CODEC.decode("GetHistoryMsgReq", message.SerializeToString())["start_time"] == -5
    answer = file_pb2.GetMultiFileRsp(success=True)
    answer.file_data["a"].file_content = b"x"
    decoded = CODEC.decode("GetMultiFileRsp", answer.SerializeToString())
    assert decoded["file_data"] == {"a": {"file_id": "", "file_content": b"x"}}


def test_the_numbers_written_down_by_hand_agree_with_the_definition_files():
    checked = 0
    for module in MODULES:
        for name, described in module.DESCRIPTOR.message_types_by_name.items():
            lines = CODEC._by_name.get(name)
            if lines is None:
                continue
            checked += 1
            for field in lines.values():
                assert described.fields_by_name[field.name].number == field.number, f"{name}.{field.name}"
    assert checked > 60


def test_an_undeclared_field_of_the_server_is_an_error():
    with pytest.raises(WireError, match="no field 100"):
        CODEC.decode("PlainRsp", delimited(100, b""))


@pytest.mark.parametrize("data", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\x00\x00", b"\xff" * 11])
def test_broken_bytes_are_an_error(data):
    with pytest.raises(WireError):
        list(fields(data))


def test_a_notification_without_its_type_is_dropped_by_the_browser_judge():
    payload = CODEC.encode("NotifyMessage", {"friend_add_apply": {"user_info": {"user_id": "u"}}})
    assert judges.browser_notification(payload) is None
    assert judges.browser_notification(tag(2, 0) + b"\x00" + payload) == 0


def test_the_browser_judge_takes_a_nameless_person_for_a_friend_event():
    described = CODEC.encode("UserInfo", {"user_id": "u", "description": "\x0a\x01x"})
    assert judges.reads_as_friend_event(described)
    assert not judges.reads_as_friend_event(CODEC.encode("UserInfo", {"nickname": "n", "description": "\x0a\x01x"}))


def test_the_browser_judge_takes_milliseconds_for_another_time():
    seconds, _ = judges.browser_varint(write_varint(1_800_000_000), 0)
    milliseconds, _ = judges.browser_varint(write_varint(1_800_000_000_000), 0)
    assert seconds == 1_800_000_000
    assert milliseconds != 1_800_000_000_000


def test_the_browser_judge_tells_session_ids_from_messages():
    assert judges.reads_as_session_id(b"0123456789abcdef-ABCDEF_0123")
    assert not judges.reads_as_session_id(CODEC.encode("UserInfo", {"user_id": "u" * 40}))


def test_contents_have_the_field_their_type_says():
    assert CODEC.encode("MessageContent", text("x")) == b"\x08\x00\x12\x03\x0a\x01x"
    assert CODEC.encode("MessageContent", picture(b"x")) == b"\x08\x01\x2a\x03\x12\x01x"
