"""What a nickname, a password, a phone number and a picture may be. Pure; a text says what is wrong, in the words a person sees."""

from __future__ import annotations

import re
import unicodedata

from services.runtime.refusal import Refusal

NICKNAME_BYTES = 21
"""Existing clients promise names of fewer than 22 bytes of UTF-8."""
PASSWORD_CHARACTERS = 6
PASSWORD_BYTES = 64
DESCRIPTION_BYTES = 1024

_PHONE = re.compile(r"1[3-9][0-9]{9}")
_UNPRINTABLE = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
# Zero-width joiners belong to emoji and some scripts; these change the direction of the text around a name.
_BIDI_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_IMAGE_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")


def clean_nickname(nickname: str) -> str:
    """The name as it is stored and looked up: without white space at its ends. Raises Refusal.

    Never empty: existing clients take a UserInfo without a nickname for something else.
    """
    name = nickname.strip()
    categories = {unicodedata.category(letter) for letter in name}
    if not any(category[0] in "LMNPS" for category in categories):
        raise Refusal("昵称不能为空")
    if len(name.encode()) > NICKNAME_BYTES:
        raise Refusal(f"昵称不能超过 {NICKNAME_BYTES} 字节（汉字最多 7 个）")
    if categories & _UNPRINTABLE or _BIDI_CONTROLS & set(name):
        raise Refusal("昵称含有不允许的字符")
    return name


def check_password(password: str) -> None:
    """6 characters to 64 bytes of printable text: everything the original took (6 to 15 of A-Z a-z 0-9 _ -), and more.
    Raises Refusal."""
    if len(password) < PASSWORD_CHARACTERS:
        raise Refusal(f"密码至少需要 {PASSWORD_CHARACTERS} 个字符")
    if len(password.encode()) > PASSWORD_BYTES:
        raise Refusal(f"密码不能超过 {PASSWORD_BYTES} 字节")
    if not password.isprintable():
        raise Refusal("密码含有不允许的字符")


def check_phone(phone: str) -> None:
    """11 digits of a mobile number. Raises Refusal."""
    if not _PHONE.fullmatch(phone):
        raise Refusal("手机号格式不正确")


def check_description(description: str) -> None:
    """Raises Refusal."""
    if len(description.encode()) > DESCRIPTION_BYTES:
        raise Refusal(f"个性签名不能超过 {DESCRIPTION_BYTES} 字节")


def check_avatar(picture: bytes, largest: int) -> None:
    """A PNG, JPEG, GIF, WebP or BMP picture of at most `largest` bytes; formats that can carry scripts are not taken.
    Raises Refusal."""
    if not picture:
        raise Refusal("头像不能为空")
    if len(picture) > largest:
        raise Refusal(f"头像不能超过 {largest // 1024} KB")
    webp = picture[:4] == b"RIFF" and picture[8:12] == b"WEBP"
    if not webp and not picture.startswith(_IMAGE_MAGIC):
        raise Refusal("头像必须是 PNG、JPEG、GIF、WebP 或 BMP 图片")
