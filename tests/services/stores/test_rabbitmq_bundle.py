"""How payloads are packed: nothing is lost, doubled or reordered, and every payload has an id for life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stores.rabbitmq_bundle import MOST_BYTES, MOST_ENTRIES, Bundle, Entry, foreign, pack

PAYLOADS = st.lists(st.binary(max_size=300) | st.just(b"x" * MOST_BYTES), max_size=200)


@given(PAYLOADS)
def test_unpacking_gives_back_what_was_packed_in_order_and_within_the_limits(payloads):
    bundles = [Bundle.decode(bundle.encode()) for bundle in pack(payloads)]
    assert [entry.payload for bundle in bundles for entry in bundle.entries] == payloads
    ids = [bundle.id(entry) for bundle in bundles for entry in bundle.entries]
    assert len(set(ids)) == len(ids)
    for bundle in bundles:
        assert len(bundle.entries) <= MOST_ENTRIES
        assert len(bundle.entries) == 1 or sum(len(entry.payload) for entry in bundle.entries) <= MOST_BYTES


@given(PAYLOADS.filter(bool), st.integers(1, 70))
def test_parting_a_bundle_keeps_its_entries_and_their_ids(payloads, most):
    bundle = next(pack(payloads))
    parts = [Bundle.decode(part.encode()) for part in bundle.parts(most)]
    assert tuple(entry for part in parts for entry in part.entries) == bundle.entries
    assert {part.origin for part in parts} == {bundle.origin}
    assert max(len(part.entries) for part in parts) <= most


@given(st.binary(max_size=100))
def test_any_body_is_a_bundle_or_refused(body):
    try:
        bundle = Bundle.decode(body)
    except ValueError:
        bundle = Bundle.decode(foreign(body).encode())
        assert [entry.payload for entry in bundle.entries] == [body]
    else:
        assert bundle.encode() == body


@pytest.mark.parametrize("failures", [0, 7, 0xFFFF, 10**6])
def test_failures_are_counted_as_far_as_there_is_room(failures):
    bundle = Bundle(bytes(16), (Entry(3, failures, b""),))
    assert Bundle.decode(bundle.encode()).entries == (Entry(3, min(failures, 0xFFFF), b""),)
