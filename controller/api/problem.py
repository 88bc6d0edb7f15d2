"""What is wrong with a document: all of it at once, each with its place and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN = 100
"""Problems that are reported of one document; the rest is counted."""

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """`path` is where (`spec.stores.mysql.managed.storage`; empty: the document), `message` what is wrong there, `remedy` what
    would be right."""

    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.message}; {self.remedy}"


class InvalidDocument(ValueError):
    """The document breaks rules. Nothing of it was used."""

    def __init__(self, problems: Sequence[Problem], more: int = 0) -> None:
        self.problems = tuple(problems)
        self.more = more
        super().__init__("\n".join(self.lines()))

    def lines(self) -> Iterable[str]:
        """One line a problem."""
        yield from map(str, self.problems)
        if self.more:
            yield f"and {self.more} more"


def path_of(location: Location) -> str:
    """The place as a person writes it: `spec.placement.constraints[0]`, `spec.environment["a b"]`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_/-]{0,99}", part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(value: object, longest: int = 60) -> str:
    """A value in an error text: short, on one line, without control characters."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            short = value if len(value) <= longest else value[: longest - 1] + "…"
            return '"' + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short) + '"'
        case int() | float():
            text = str(value) if not isinstance(value, int) or abs(value) < 10**longest else "a very large number"
            return text
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return f"a {type(value).__name__}"
