"""Request bodies: protobuf or JSON in, protobuf or JSON out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

MAX_JSON = 8 * 2**20
"""Largest JSON body, in bytes: parsing one holds up everybody else. Contents of files belong into protobuf."""


class Malformed(Exception):
    """The body is not what the operation takes."""


def parse(request_type: Callable[[], Any], body: bytes, json: bool) -> Any:
    """The request in a body. JSON takes the names of the .proto files or their camelCase, bytes as base64, and may have
    fields that are not known. Raises Malformed."""
    request = request_type()
    try:
        if json:
            if len(body) > MAX_JSON:
                raise Malformed
            json_format.Parse(body, request, ignore_unknown_fields=True, max_recursion_depth=32)
        else:
            request.ParseFromString(body)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        raise Malformed from error
    return request


def render(response: Any, json: bool) -> bytes:
    """The body of a response. In JSON every field of the message is there, also an empty one."""
    if json:
        return json_format.MessageToJson(
            response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
        ).encode()
    payload: bytes = response.SerializeToString()
    return payload
