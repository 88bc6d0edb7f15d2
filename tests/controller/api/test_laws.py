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
from services.catalogue import BY_NAME

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


sizes = st.builds("{}{}".format, st.integers(1, 900), st.sampled_from(["Mi", "Gi", "M"]))
durations = st.builds("{}{}".format, st.integers(1, 59), st.sampled_from(["s", "m", "h"]))
names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
endpoints = st.builds("{}:{}".format, names, st.integers(1, 65535))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents with any subset of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


service = some(
    replicas=st.integers(0, 5),
    resources=some(
        requests=some(cpu=st.just("100m"), memory=st.just("64Mi")),
        limits=some(
            cpu=st.integers(1, 8), memory=sizes.filter(lambda s: not s.endswith("M")).map(lambda s: s[:-2] + "Gi")
        ),
    ),
    placement=some(node=names, constraints=st.just(["node.role == worker"])),
    environment=st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True), st.text(max_size=5), max_size=3
    ),
)
stores = some(
    mysql=st.fixed_dictionaries({"managed": some(storage=sizes, placement=some(node=names))})
    | st.fixed_dictionaries(
        {"external": st.fixed_dictionaries({"endpoints": st.lists(endpoints, min_size=1, max_size=3)})}
    ),
    redis=st.fixed_dictionaries({"managed": some(persistence=st.sampled_from(["none", "rdb", "aof"]))}),
    elasticsearch=st.fixed_dictionaries({"managed": some(heap=st.sampled_from(["512m", "1g"]))}),
    files=st.fixed_dictionaries({"s3": st.just({"bucket": "abc", "secretName": "s"})}),
)
systems = st.fixed_dictionaries(
    {
        "apiVersion": st.just("chatsystem.dev/v1alpha1"),
        "kind": st.just("ChatSystem"),
        "metadata": st.fixed_dictionaries(
            {"name": names}, optional={"labels": st.dictionaries(names, names, max_size=2)}
        ),
        "spec": st.fixed_dictionaries(
            {"version": st.from_regex(r"[0-9]\.[0-9]\.[0-9]", fullmatch=True)},
            optional={
                "services": some(**dict.fromkeys(BY_NAME, service)),
                "stores": stores,
                "exposure": some(http=st.integers(1, 9000), websocket=st.integers(9001, 65535)),
                "release": some(observe=durations, onFailure=st.sampled_from(["rollback", "pause"])),
                "backup": some(schedule=st.just("0 3 * * *"), timeZone=st.sampled_from(["UTC", "Asia/Shanghai"])),
                "suspend": st.booleans(),
                "local": some(processes=st.sampled_from(["Shared", "PerService"])),
            },
        ),
    }
)


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
