"""Whatever a request holds, every operation of user, friend and file answers it."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.runtime.rpc import DESCRIPTORS
from services.user.passwords import Passwords
from tests.testbed.accounts import World

# Stands for the id of somebody or something that exists.
KNOWN = ["{user}", "{friend}", "{group}", "{single}", "{file}", "{event}"]
METHODS = [method for name in ("user", "friend", "file") for method in DESCRIPTORS[name].methods]
texts = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(["", "13800138000", "secret-1", "../../etc/passwd", "%", "_", "\0", "1.x", "' OR 1=1 --"]),
    st.text(max_size=30),
    st.text(min_size=1, max_size=3).map(lambda text: text * 500),
)


def values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return texts if field.type == FieldDescriptor.TYPE_STRING else st.binary(max_size=200)
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_INT64:
            return st.integers(-(2**63), 2**63 - 1)
        case FieldDescriptor.CPPTYPE_UINT32:
            return st.integers(0, 2**32 - 1)
        case FieldDescriptor.CPPTYPE_ENUM:
            return st.integers(-(2**31), 2**31 - 1)
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return contents(field.message_type)
    raise AssertionError(f"no values for {field.full_name}")


def contents(message: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            field.name: st.lists(values(field), max_size=5) if field.is_repeated else values(field)
            for field in message.fields
            if field.name != "user_id"
        }
        # The gateway writes it, from the login session: anything, but no longer than an id is.
        | {
            field.name: texts.filter(lambda text: len(text) <= 64)
            for field in message.fields
            if field.name == "user_id"
        },
    )


def real(value: Any, known: dict[str, str]) -> Any:
    match value:
        case str():
            return known.get(value, value)
        case list():
            return [real(each, known) for each in value]
        case dict():
            return {name: real(each, known) for name, each in value.items()}
    return value


@pytest.fixture
async def known(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    async def quick(self: Passwords, password: str) -> str:
        return "$argon2id$" + password

    monkeypatch.setattr(Passwords, "hash", quick)
    user, friend, asking = await world.friends("user", "friend", "asking")
    ids = {"{user}": user.user_id, "{friend}": friend.user_id, "{group}": await world.group(user, friend)}
    ids["{single}"] = await world.single(user, friend)
    return ids | {"{file}": "0" * 32, "{event}": asking.user_id}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_every_request_is_answered(
    world: World, known: dict[str, str], method: MethodDescriptor, data: st.DataObject
) -> None:
    service = {"UserService": "user", "FriendService": "friend", "FileService": "file"}[method.containing_service.name]
    drawn = real(data.draw(contents(method.input_type)), known)
    request = method.input_type._concrete_class(**drawn)
    answer = await world.call(service, method.name, request)
    assert answer.success or answer.errmsg
    assert answer.request_id == request.request_id
