"""How the existing clients read bytes, as judges of what a server sends.

Both decode by rules of their own that an ordinary protobuf parser does not have. Each function here is one such rule; it
returns what the client would believe, so that a test can compare that with what was meant.
"""

from __future__ import annotations

from tests.testbed.wire import DELIMITED, VARINT, Field, WireError, fields

PROBE = 20
"""Characters at which the browser client looks to tell a session id from a nested message."""


def browser_varint(data: bytes, position: int) -> tuple[int, int]:
    """A number as the browser client computes it: 32-bit signed arithmetic, so larger numbers turn into garbage."""
    value, shift = 0, 0
    while True:
        if position >= len(data):
            raise WireError("a varint is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (shift % 32)
        if byte < 0x80:
            break
        shift += 7
    value &= 0xFFFFFFFF
    return (value - 2**32 if value >= 2**31 else value), position


def browser_fields(data: bytes) -> list[Field]:
    """The fields as the browser client's parser finds them. Raises WireError where it would stop: at any wire type other
    than varint and length-delimited."""
    found = []
    position = 0
    while position < len(data):
        offset = position
        key, position = browser_varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, position = browser_varint(data, position)
            found.append(Field(number, wire_type, value, offset))
        elif wire_type == DELIMITED:
            size, position = browser_varint(data, position)
            if size < 0 or position + size > len(data):
                raise WireError(f"field {number} is cut off")
            found.append(Field(number, wire_type, data[position : position + size], offset))
            position += size
        else:
            raise WireError(f"the browser client does not know wire type {wire_type} (field {number})")
    return found


def reads_as_session_id(field_4: bytes) -> bool:
    """Whether the browser client takes field 4 of an answer for a login session id rather than a message."""
    return len(field_4) > 0 and all(0x20 <= byte < 0x7F for byte in field_4[:PROBE])


def looks_nested(content: bytes) -> bool:
    """Whether bytes parse as a message with at least one field."""
    try:
        return bool(browser_fields(content)) and browser_fields(content)[0].number > 0
    except WireError:
        return False


def reads_as_friend_event(person: bytes) -> bool:
    """Whether the browser client takes a UserInfo for a FriendEvent: no field 2, and a field 3 that looks nested."""
    found = {field.number: field.value for field in browser_fields(person)}
    third = found.get(3)
    return 2 not in found and isinstance(third, bytes) and looks_nested(third)


def browser_success(answer: bytes) -> bool:
    """What the browser client believes: success unless success or errmsg says otherwise."""
    found = {field.number: field.value for field in browser_fields(answer)}
    if 2 in found:
        return bool(found[2])
    return 3 not in found


def browser_notification(payload: bytes) -> int | None:
    """The type of a notification, None for one that the browser client drops because field 2 is not there."""
    found = {field.number: field.value for field in browser_fields(payload)}
    kind = found.get(2)
    return kind if isinstance(kind, int) else None


def desktop_has(data: bytes, number: int) -> bool:
    """Presence of a field, which the desktop client tests where the browser looks at values."""
    return any(field.number == number for field in fields(data))


def nested(data: bytes, *path: int) -> list[bytes]:
    """The contents of all fields at a path of field numbers."""
    current = [data]
    for number in path:
        current = [
            field.value
            for content in current
            for field in fields(content)
            if field.number == number and isinstance(field.value, bytes)
        ]
    return current
