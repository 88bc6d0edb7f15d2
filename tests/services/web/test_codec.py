"""The client's codec against Python's protobuf, in a real Chromium."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from playwright.async_api import Page

from services.protocol.base_pb2 import MessageInfo
from services.protocol.gateway_pb2 import ClientFrame, Ping, SendAck, ServerFrame
from services.web import generate

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXTS = ["", "hello", "你好，世界", "日本語 한국어", "👩‍👩‍👧‍👦 emoji", "\x00\x7f", "\ufeffbom", "x" * 300, "<script>"]
NUMBERS = {
    "int64": [0, 1, -1, 127, 128, 2**31, 2**32, 2**53 - 1, -(2**53) + 1],
    "uint64": [0, 1, 300, 2**32 - 1, 2**32, 2**53 - 1],
    "uint32": [0, 1, 2**31, 2**32 - 1],
    "int32": [0, 1, -1, 2**31 - 1, -(2**31)],
}

DECODE = """async ([cases]) => {
  const { decode, encode } = await import("/js/codec.js");
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const base64 = (data) => { let s = ""; for (const b of data) s += String.fromCharCode(b); return btoa(s); };
  const plain = (value) => {
    if (value instanceof Uint8Array) return base64(value);
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    return value;
  };
  return cases.map(([name, data]) => {
    try {
      const message = decode(name, bytes(data));
      return { message: plain(message), again: base64(encode(name, message)) };
    } catch (error) { return { error: error.constructor.name }; }
  });
}"""


async def decode_all(page: Page, cases: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
    return await page.evaluate(DECODE, [[[name, base64.b64encode(data).decode()] for name, data in cases]])


def fill(message: Message, choose: random.Random, depth: int = 0) -> None:
    """Sets a random choice of the fields that the client knows."""
    for field in message.DESCRIPTOR.fields:
        if field.number >= generate.FIRST_INTERNAL_FIELD or choose.random() < 0.3:
            continue
        if field.message_type:
            if depth < 5:
                target = getattr(message, field.name)
                for _ in range(choose.randint(0, 3) if field.is_repeated else 1):
                    fill(target.add() if field.is_repeated else target, choose, depth + 1)
                if not field.is_repeated:
                    target.SetInParent()
            continue
        kind = "int32" if field.enum_type else generate.scalar(field)
        if field.enum_type:
            value: Any = choose.choice([each.number for each in field.enum_type.values])
        elif kind == "string":
            value = choose.choice(TEXTS)
        elif kind == "bytes":
            value = choose.randbytes(choose.choice([0, 1, 200]))
        elif kind == "bool":
            value = choose.random() < 0.5
        else:
            value = choose.choice(NUMBERS[kind])
        if field.is_repeated:
            getattr(message, field.name).extend([value, value])
        else:
            setattr(message, field.name, value)


def expected(message: Message) -> dict[str, Any]:
    """What decode() gives: json names, defaults for scalars, null for absent messages."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.number >= generate.FIRST_INTERNAL_FIELD:
            continue
        value = getattr(message, field.name)
        if field.is_repeated:
            found[field.json_name] = [expected(each) if field.message_type else each for each in value]
        elif field.message_type:
            found[field.json_name] = expected(value) if message.HasField(field.name) else None
        elif field.type == field.TYPE_BYTES:
            found[field.json_name] = base64.b64encode(value).decode()
        else:
            found[field.json_name] = value
    return found


async def test_every_message_the_client_knows_is_read_and_written_as_protobuf_does(page: Page) -> None:
    choose = random.Random(7)
    cases: list[Message] = []
    for descriptor in generate.closure().values():
        for _ in range(12):
            message = descriptor._concrete_class()
            fill(message, choose)
            cases.append(message)
    results = await decode_all(page, [(each.DESCRIPTOR.name, each.SerializeToString()) for each in cases])
    for message, result in zip(cases, results, strict=True):
        assert result.get("message") == expected(message), json_format.MessageToDict(message)
        assert type(message).FromString(base64.b64decode(result["again"])) == message


async def test_hostile_bytes_are_an_error_and_never_anything_else(page: Page) -> None:
    choose = random.Random(11)
    message = ServerFrame()
    fill(message, choose)
    whole = message.SerializeToString()
    nested = b""
    for _ in range(200):
        nested = b"\x0a" + _varint(len(nested)) + nested
    cases = [("ServerFrame", whole[:cut]) for cut in range(0, len(whole), max(1, len(whole) // 40))]
    cases += [("ServerFrame", choose.randbytes(choose.randint(1, 60))) for _ in range(400)]
    cases += [
        ("ServerFrame", b"\x80" * 11),
        ("ServerFrame", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("ServerFrame", b"\x00\x00"),
        ("ServerFrame", b"\x0b\x0c"),
        ("MessageInfo", nested),
    ]
    results = await decode_all(page, cases)
    for (name, data), result in zip(cases, results, strict=True):
        assert result.get("error", "DecodeError") == "DecodeError", (name, data.hex())


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


async def test_unknown_fields_of_a_newer_server_are_skipped(page: Page) -> None:
    extra = b"\xf8\x7f\x05" + b"\xfd\x7fabcd" + b"\xf9\x7fabcdefgh" + b"\xfa\x7f\x03xyz"
    (result,) = await decode_all(page, [("SendAck", extra + SendAck(seq=9).SerializeToString() + extra)])
    assert result["message"]["seq"] == 9


async def test_a_field_of_another_wire_type_is_ignored(page: Page) -> None:
    (result,) = await decode_all(page, [("SendAck", b"\x08\x07" + SendAck(seq=9).SerializeToString())])
    assert (result["message"]["requestId"], result["message"]["seq"]) == ("", 9)


async def test_of_a_oneof_the_last_one_on_the_wire_counts(page: Page) -> None:
    data = (
        ServerFrame(ack=SendAck(seq=1)).SerializeToString() + ServerFrame(pong={"request_id": "p"}).SerializeToString()
    )
    (result,) = await decode_all(page, [("ServerFrame", data)])
    assert result["message"]["ack"] is None
    assert result["message"]["pong"] == {"requestId": "p"}


async def test_parts_of_one_message_are_merged(page: Page) -> None:
    data = (
        MessageInfo(sender={"user_id": "u"}).SerializeToString()
        + MessageInfo(sender={"nickname": "n"}).SerializeToString()
    )
    (result,) = await decode_all(page, [("MessageInfo", data)])
    assert (result["message"]["sender"]["userId"], result["message"]["sender"]["nickname"]) == ("u", "n")


async def test_an_empty_message_in_a_oneof_is_written(page: Page) -> None:
    data = await page.evaluate(
        """async () => [...(await import("/js/codec.js")).encode("ClientFrame", { ping: {} })]"""
    )
    assert ClientFrame.FromString(bytes(data)) == ClientFrame(ping=Ping())


async def test_the_schema_is_current() -> None:
    assert generate.SCHEMA.read_text(encoding="utf-8") == generate.render()
