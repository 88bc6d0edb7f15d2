"""How text is folded for search: the one definition, used where text is stored and where it is looked for."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Width, compatibility forms and case made equal (NFKC, then Unicode case folding)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
