"""Random texts of the scripts that people write in, thick with what makes substring search go wrong."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    *"aAbBeEzZßẞſİıKÅσςΣŉ",
    *("ﬁ", "ﬃ", "ǅ", "Ŀ"),
    *"天気氣今日好骨글안녕하세요한",
    *("ｗ", "ｉ", "Ａ", "０", "　", "！", "～"),
    # Half-width katakana, alone and with the marks that make one letter of two; hiragana with a combining one.
    *("ｶ", "ﾀ", "ｶﾞ", "ﾊﾟ", "ﾞ", "カ", "ガ", "か", "か\u3099", "が", "ー"),
    # Marks that combine, in both forms and in an order of their own; letters of Hangul that make a syllable.
    *("e\u0301", "é", "a\u0323\u0302", "ậ", "\u0301", "\u1112\u1161\u11ab", "\u1112", "\u1161"),
    # Emoji with skin tones, joined ones, flags, keycaps, presentation selectors.
    *("👍", "👍🏽", "👩", "\u200d", "👩\u200d👧", "👩🏿\u200d🚀", "🇨🇳", "🇨", "🇳", "1\ufe0f\u20e3", "❤\ufe0f", "❤"),
    # Beyond the first plane, in pairs that share a half of their UTF-16: D842 and D83D in front, DFB7 behind.
    *("𠮷", "𠮶", "🞷", "𝔘", "𝟘", "😀", "😁"),
    *("0", "1", "12", "①", "½", "٣", "m²", "㈱", "ﷺ", "…"),
    *"%_*\\\"'?[]{}~-+&|!(): \t\n.,，。<>/@#^`",
    *("AND", "OR", "NOT", "--", "' OR 1=1", "\\u0041", "%%", "__", "\\%"),
)

words = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join),
    # So few letters that parts occur again and again, and overlap themselves.
    st.text(alphabet="aＡ気", min_size=1, max_size=12),
)
"""Texts of one to a few dozen characters."""


def parts(data: st.DataObject, texts: list[str], count: int, longest: int | None = None) -> list[str]:
    """Substrings of any of the texts, one character and more."""
    found = []
    for _ in range(count):
        text = data.draw(st.sampled_from(texts))
        start = data.draw(st.integers(0, len(text) - 1))
        end = len(text) if longest is None else min(len(text), start + longest)
        found.append(text[start : data.draw(st.integers(start + 1, end))])
    return found
