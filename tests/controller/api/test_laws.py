"""Laws over generated documents: anything is either accepted or refused in words, and what is accepted survives a round trip."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.problem import InvalidDocument
from controller.api.schema import fields_of
from controller.api.validate import KINDS, dump, parse
from tests.testbed.declarations import systems

FIELDS = sorted(
    {name for model in KINDS.values() for name in fields_of(model)} | {"name", "version", "managed", "mysql"}
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(json_values)
def test_anything_is_accepted_or_refused_in_words(document: Any) -> None:
    try:
        parse(document)
    except InvalidDocument as error:
        assert error.problems
        assert all(problem.message and problem.remedy for problem in error.problems)


@settings(max_examples=60, deadline=None)
@given(systems)
def test_a_valid_document_survives_a_round_trip(document: dict[str, Any]) -> None:
    parsed = parse(document)
    written = dump(parsed)
    assert parse(written) == parsed
    assert parse(json.loads(json.dumps(written))) == parsed


@settings(max_examples=60, deadline=None)
@given(systems, st.data())
def test_one_unknown_field_anywhere_refuses_the_document(document: dict[str, Any], data: st.DataObject) -> None:
    document = copy.deepcopy(document)  # parts of it are shared with the examples to come
    place = document["spec"]
    while nested := [
        value for key, value in place.items() if isinstance(value, dict) and key not in ("environment", "labels")
    ]:
        if not data.draw(st.booleans()):
            break
        place = data.draw(st.sampled_from(nested))
    place["surprise"] = 1
    try:
        parse(document)
    except InvalidDocument as error:
        assert [problem.path.rsplit(".", 1)[-1] for problem in error.problems] == ["surprise"]
    else:
        raise AssertionError("an unknown field was accepted")
