"""Is a document plain data (what JSON can say), and of a size that is worth reading? The first check of every document."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from controller.api.problem import InvalidDocument, Location, Problem, path_of, shown

DEPTH = 32
"""Levels of nesting."""

NODES = 50_000
"""Values in one document, those behind YAML aliases counted each time."""

TEXT = 1_000_000
"""Characters of one text."""


def plain(document: object) -> tuple[Any, list[tuple[Location, Problem]]]:
    """The document with lists as tuples, and what in it is not plain data. Raises InvalidDocument when it is too large or deep."""
    walk = _Walk()
    return walk.copy(document, (), 0), walk.problems


class _Walk:
    def __init__(self) -> None:
        self.nodes = 0
        self.problems: list[tuple[Location, Problem]] = []

    def copy(self, value: object, at: Location, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > NODES:
            raise InvalidDocument([Problem("", f"the document has more than {NODES} values", "shorten it")])
        if depth > DEPTH:
            raise InvalidDocument(
                [Problem(path_of(at[:6]), f"the document is nested deeper than {DEPTH} levels", "flatten it")]
            )
        match value:
            case None | bool():
                return value
            case int():
                if abs(value) >= 2**63:
                    self._refuse(at, "the number is too large", "use a number of at most 63 bits")
                    return 0
                return value
            case float():
                if not math.isfinite(value):
                    self._refuse(at, f"{value} is not a number that can be used here", "write a finite number")
                    return 0.0
                return value
            case str():
                return self._text(value, at)
            case dict():
                return dict(self._pairs(value, at, depth))
            case list() | tuple():
                return tuple(self.copy(item, (*at, index), depth + 1) for index, item in enumerate(value))
        self._refuse(at, f"{shown(value)} cannot be used here", "put the value in quotes if it is meant as text")
        return None

    def _pairs(self, mapping: dict[object, object], at: Location, depth: int) -> Iterator[tuple[str, Any]]:
        for key, item in mapping.items():
            if isinstance(key, str):
                yield self._text(key, at), self.copy(item, (*at, key), depth + 1)
            else:
                self._refuse(at, f"the key {shown(key)} is not a text", "put it in quotes")

    def _text(self, text: str, at: Location) -> str:
        if len(text) > TEXT:
            self._refuse(at, f"the text has more than {TEXT} characters", "shorten it")
            return ""
        try:
            text.encode()
        except UnicodeEncodeError:
            self._refuse(at, "the text has characters that are not valid Unicode", "remove them")
            return ""
        return text

    def _refuse(self, at: Location, message: str, remedy: str) -> None:
        self.problems.append((at, Problem(path_of(at), message, remedy)))
