"""Names, passwords, phone numbers and pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.refusal import Refusal
from services.user.rules import check_avatar, check_description, check_password, check_phone, clean_nickname


@pytest.mark.parametrize("name", ["a", "小明", "七个汉字的昵称", "👩‍👩‍👧", "a b", "___", "x" * 21, "Ünï"])
def test_usual_names_are_taken_as_they_are(name: str) -> None:
    assert clean_nickname(name) == name


def test_white_space_around_a_name_is_cut() -> None:
    assert clean_nickname(" \u3000小明 ") == "小明"


@pytest.mark.parametrize("name", ["", " ", "\u3000", "\u200b", "\u200d", "\ufeff", "\t\n", "\x00"])
def test_a_name_that_nobody_could_see_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="不能为空"):
        clean_nickname(name)


@pytest.mark.parametrize("name", ["x" * 22, "八个汉字的昵称呀", "👍👍👍👍👍👍"])
def test_a_name_of_22_bytes_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="21 字节"):
        clean_nickname(name)


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "a\u202eb", "a\x7fb"])
def test_a_name_that_disturbs_the_text_around_it_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="字符"):
        clean_nickname(name)


@given(st.text(max_size=40))
def test_a_name_that_is_taken_is_short_visible_and_stays_the_same(name: str) -> None:
    try:
        cleaned = clean_nickname(name)
    except Refusal:
        return
    assert cleaned and len(cleaned.encode()) <= 21 and clean_nickname(cleaned) == cleaned


@given(st.from_regex(r"[A-Za-z0-9_-]{6,15}", fullmatch=True))
def test_every_password_of_the_original_is_taken(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["correct horse battery staple", "密码密码密码", "x" * 64])
def test_longer_and_richer_passwords_are_taken(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["", "12345", "x" * 65, "密" * 22, "abc\x00def", "abcdef\n"])
def test_other_passwords_are_refused(password: str) -> None:
    with pytest.raises(Refusal, match="密码"):
        check_password(password)


@pytest.mark.parametrize("phone", ["13800138000", "19912345678"])
def test_mobile_numbers_are_taken(phone: str) -> None:
    check_phone(phone)


@pytest.mark.parametrize(
    "phone",
    ["", "12800138000", "1380013800", "138001380000", "13800138000\n", "１３８００１３８０００", "+8613800138000"],
)
def test_other_numbers_are_refused(phone: str) -> None:
    with pytest.raises(Refusal, match="手机号"):
        check_phone(phone)


def test_a_long_description_is_refused() -> None:
    check_description("签" * 341)
    with pytest.raises(Refusal, match="个性签名"):
        check_description("签" * 342)


@pytest.mark.parametrize(
    "picture",
    [b"\x89PNG\r\n\x1a\n.", b"\xff\xd8\xff\xe0.", b"GIF89a.", b"RIFF\0\0\0\0WEBP", b"BM...."],
)
def test_pictures_are_taken(picture: bytes) -> None:
    check_avatar(picture, 1024)


@pytest.mark.parametrize("picture", [b"", b"<svg/>", b"MZ", b"RIFF\0\0\0\0WAVE", b"\x89PNG\r\n\x1a\n" + bytes(1024)])
def test_what_is_no_picture_or_too_large_is_refused(picture: bytes) -> None:
    with pytest.raises(Refusal, match="头像"):
        check_avatar(picture, 1024)
