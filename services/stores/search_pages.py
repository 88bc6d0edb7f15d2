"""The token of a page of search results: the place of its last hit. Pure.

It is the same for every adapter, so a search that one of them began can go on with another.
"""

from __future__ import annotations

import base64
import binascii
import re

from services.stores.ports import InvalidPage

MESSAGES, USERS = "m", "u"

_TOKEN = re.compile(r"([mu])(\d)\.(\d{1,18})", re.ASCII)


def token(what: str, rank: int, row_id: int) -> str:
    """`rank`: 0 for exact hits, 1 for others; messages have no ranks."""
    return base64.urlsafe_b64encode(f"{what}{rank}.{row_id}".encode()).decode().rstrip("=")


def position(what: str, text: str) -> tuple[int, int]:
    """Rank and row of a token. Raises InvalidPage."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise InvalidPage from error
    match = _TOKEN.fullmatch(plain)
    if not match or match[1] != what:
        raise InvalidPage
    return int(match[2]), int(match[3])
