"""Text that is refused before any field is looked at: each with its line and what to do, none with a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.load import load, load_plain
from controller.api.problem import InvalidDocument

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the document is empty"),
        ("# nothing\n", "the document is empty"),
        ("a: 1\na: 2\n", 'line 2, column 1: the key "a" is given twice'),
        ("spec:\n  x: {b: 1, b: 2}\n", 'line 2, column 13: the key "b" is given twice'),
        ("a: 1\n--- \nb: 2\n", "line 2, column 1: there is more than one document"),
        ("a: [1, 2\n", "line 2, column 1: this is not YAML"),
        ("a: b: c\n", "line 1, column 5: this is not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1, column 4: tags (!) are not used here"),
        ("a: !!timestamp x\n", "tags (!) are not used here"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "line 3, column 3: merge keys (<<) are not used here"),
        ("? [a]\n: b\n", "line 1, column 3: a key is not a text"),
        ("[" * 5000, "nested deeper than 32 levels"),
        ("a: " + "9" * 5000, "a number or date in it cannot be read"),
        ("a: 2024-13-45\n", "a number or date in it cannot be read"),
        ("a: \x00\n", "this is not YAML"),
        ("a: *nowhere\n", "line 1, column 4: this is not YAML: found undefined alias"),
        ("x" * 1_000_001, "longer than 1000000 characters"),
    ],
)
def test_unreadable_text_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(text)
    assert message in str(caught.value)
    assert caught.value.problems[0].remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "has more than 50000 values"),
        ("a: &a [*a]\n", "nested deeper than 32 levels"),
        ("a: 2024-01-01\n", "a: a date cannot be used here"),
        ("1: x\n", "the key 1 is not a text"),
        ("on: x\n", "the key true is not a text"),
        ("a: .inf\n", "a: inf is not a number that can be used here"),
        ("- a\n", "the document is a list, not a mapping"),
        ("text\n", 'the document is "text", not a mapping'),
        ("a: 99999999999999999999\n", "a: the number is too large"),
    ],
)
def test_data_that_is_not_plain_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(text)
    assert message in str(caught.value)


def test_aliases_may_be_used_sparingly() -> None:
    assert load_plain("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


def test_json_is_yaml() -> None:
    assert load_plain('{"a": [1, true, null]}') == {"a": [1, True, None]}


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.text("{}[]:,-?&*!|>'\"%@` ab1\n\t#<~", max_size=60))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        load(text)
    except InvalidDocument as error:
        assert error.problems
