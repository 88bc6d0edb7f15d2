"""The etcd3 library is loaded with today's protobuf, in the C implementation, beside other packages' messages."""

import sys

from google.protobuf import descriptor_pool
from google.protobuf.internal import api_implementation

from services.stores.etcd_client import load


def test_the_library_loads_and_its_messages_keep_what_is_written_to_them():
    messages = load().etcdrpc
    request = messages.PutRequest(key=b"k", value=b"v", lease=7)
    assert messages.PutRequest.FromString(request.SerializeToString()) == request
    event = messages.WatchResponse(events=[{"kv": {"key": b"k"}, "type": 1}]).events[0]
    assert event.kv.key == b"k"


def test_loading_twice_is_loading_once():
    assert load() is load() is sys.modules["etcd3"]


def test_protobuf_is_not_slowed_down_and_its_common_pool_is_left_alone():
    load()
    assert api_implementation.Type() == "upb"
    for name in ("kv.proto", "rpc.proto"):
        try:
            descriptor_pool.Default().FindFileByName(name)
        except KeyError:
            continue
        raise AssertionError(f"{name} is in the common pool")
