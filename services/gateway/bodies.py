"""Request bodies: protobuf or JSON in, protobuf or JSON out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

MAX_JSON = 8 * 2**20
"""Largest JSON body, in bytes. Contents of files belong into protobuf."""
SMALL_JSON = 64 * 1024
SMALL = 2 * 2**20
"""Bytes up to which a body may have any shape. Parsing holds up everybody else, and a message of two bytes takes fifty in
memory, so a larger body must be large because of what is in its fields, not by their number."""
MOST_FIELDS = 1024
"""Fields of a larger body, at most."""


class Malformed(Exception):
    """The body is not what the operation takes."""


def parse(request_type: Callable[[], Any], body: bytes, json: bool) -> Any:
    """The request in a body. JSON takes the names of the .proto files or their camelCase, bytes as base64, and may have
    fields that are not known. Raises Malformed."""
    request = request_type()
    try:
        if json:
            if len(body) > MAX_JSON or (len(body) > SMALL_JSON and body.count(b",") > MOST_FIELDS):
                raise Malformed
            json_format.Parse(body, request, ignore_unknown_fields=True, max_recursion_depth=32)
        else:
            if len(body) > SMALL:
                field_numbers(body)
            request.ParseFromString(body)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        raise Malformed from error
    return request


def field_numbers(body: bytes) -> list[int]:
    """The numbers of a message's fields in the order of the wire, without looking into them. Raises Malformed: too many, or
    no protobuf."""
    numbers: list[int] = []
    position = 0
    while position < len(body):
        tag, position = _varint(body, position)
        numbers.append(tag >> 3)
        match tag & 7:
            case 0:
                _, position = _varint(body, position)
            case 1:
                position += 8
            case 2:
                size, position = _varint(body, position)
                position += size
            case 5:
                position += 4
            case _:
                raise Malformed
        if position > len(body) or len(numbers) > MOST_FIELDS:
            raise Malformed
    return numbers


def _varint(body: bytes, position: int) -> tuple[int, int]:
    """A varint (at most ten bytes) and the position after it."""
    value = 0
    for shift, byte in enumerate(body[position : position + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, position + shift + 1
    raise Malformed


def render(response: Any, json: bool) -> bytes:
    """The body of a response. In JSON every field of the message is there, also an empty one."""
    if json:
        return json_format.MessageToJson(
            response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
        ).encode()
    payload: bytes = response.SerializeToString()
    return payload
