"""Folding: what people take for the same text is the same, and a part that they can select stays a part."""

from __future__ import annotations

import sys
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stores.folding import fold
from tests.testbed.words import words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ　１２３！", "abc 123!"),
        ("ｶﾞｷﾞﾊﾟｰ", "ガギパー"),
        ("Straße", "STRASSE"),
        ("ẞ", "ss"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("e\u0301", "é"),
        ("a\u0302\u0323", "ậ"),
        ("か\u3099", "が"),
        ("\u1112\u1161\u11ab", "한"),
        ("한", "한"),
        ("ﬃ", "FFI"),
        ("①½㈱", "11⁄2(株)"),
        ("\u212a", "k"),
        ("İ", "i\u0307"),
    ],
)
def test_forms_of_the_same_text_are_made_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ı", "i"), ("カ", "ガ"), ("e", "é"), ("👍", "👍🏽"), ("気", "氣"), ("𠮷", "吉"), ("カ", "か")]
)
def test_different_letters_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_what_is_folded_does_not_change_when_it_is_folded_again() -> None:
    """For every character: a text that was stored folded is found by the same key as one that was not."""
    characters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    assert [character for character in characters if fold(fold(character)) != fold(character)] == []


def _begins_a_letter(text: str, place: int) -> bool:
    """Whether a person could put a cursor there: what follows does not combine with what stands before it."""
    if place in {0, len(text)}:
        return True
    following = fold(text[place])[:1]
    return (
        unicodedata.combining(text[place]) == 0
        and unicodedata.combining(following or "a") == 0
        and not "\u1160" <= text[place] <= "\u11ff"
    )


@given(text=words, data=st.data())
def test_whatever_can_be_selected_in_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    cuts = [place for place in range(len(text) + 1) if _begins_a_letter(text, place)]
    start, end = sorted(data.draw(st.lists(st.sampled_from(cuts), min_size=2, max_size=2)))
    assert fold(text[start:end]) in fold(text)


@given(text=words, form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_how_a_text_was_composed_does_not_matter(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(text=st.text(alphabet="abcàçñøß漢かﾞカｶ한😀", max_size=12))
def test_case_does_not_matter(text: str) -> None:
    assert fold(text.upper()) == fold(text) == fold(text.lower())
