"""The benchmark measures what it says: its hand-made bytes are the protocol's, its percentiles are percentiles."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import rpc
from bench.samples import percentile
from bench.wire import REQUEST_ID, authentication, field, send_template
from services.protocol.base_pb2 import STRING
from services.protocol.gateway_pb2 import ClientAuthenticationReq, ClientFrame
from services.protocol.transmit_pb2 import NewMessageReq

ID = b"r" * REQUEST_ID


@pytest.mark.parametrize("padding", [0, 40, 300])
def test_a_frame_of_the_load_generator_is_a_send(padding: int) -> None:
    data = send_template("token", "pair", frame=True, padding=padding).fill(ID, 123)
    send = ClientFrame.FromString(data).send
    assert (send.request_id, send.session_id, send.chat_session_id) == (ID.decode(), "token", "pair")
    assert send.message.message_type == STRING
    assert send.message.string_message.content == f"bench:{123:020}" + "x" * padding


def test_a_request_of_the_load_generator_is_a_send() -> None:
    data = send_template("token", "pair", frame=False, host="127.0.0.1:9000").fill(ID, 123)
    head, body = data.split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /service/message_transmit/new_message HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert NewMessageReq.FromString(body).message.string_message.content == f"bench:{123:020}"


def test_authentication() -> None:
    assert ClientAuthenticationReq.FromString(authentication("token", 1)).protocol == 1
    assert ClientAuthenticationReq.FromString(authentication("token", 0)).session_id == "token"


@given(st.integers(0, 2**63 - 1))
def test_integers_are_written_as_the_protocol_writes_them(value: int) -> None:
    assert ClientAuthenticationReq.FromString(field(3, value % 2**32)).protocol == value % 2**32


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 0.99))
def test_a_percentile_is_a_sample_that_few_exceed(samples: list[float], fraction: float) -> None:
    found = percentile(array("d", samples), fraction)
    assert found in samples
    assert sum(sample > found for sample in samples) <= (1 - fraction) * len(samples)


def test_no_samples_have_no_percentile() -> None:
    assert percentile(array("d"), 0.99) == 0.0


def test_both_ways_of_calling_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "CALLERS", (4,))
    monkeypatch.setattr(rpc, "ROUNDS", 1)
    rows = rpc.measure(0.1)
    assert [row[0] for row in rows] == ["ValidateSession", "Send"]
    assert all(window.calls > 0 and window.client > 0 for row in rows for window in row[2:])
    assert rpc.report(rows).count("|\n") == 3
