"""What a PromQL expression names: enough of the language to check the queries of the board and the alerts without Prometheus."""

from __future__ import annotations

import re
from dataclasses import dataclass

FUNCTIONS = {
    *("rate", "increase", "histogram_quantile", "avg_over_time", "max_over_time", "topk", "vector", "time"),
    *("sum", "min", "max", "avg", "count"),
}
WORDS = {"by", "without", "on", "ignoring", "or", "and", "unless", "bool", "offset"}
RANGED = {"rate", "increase", "avg_over_time", "max_over_time"}

TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+(?:\.\d+)?)|(?P<range>\[\d+[smhd]\])"
    r"|(?P<name>[a-zA-Z_:][\w:]*)|(?P<operator>=~|!~|!=|==|<=|>=|[-+*/=<>(){},]))"
)


@dataclass(frozen=True)
class Selector:
    """A metric as a query selects it. `labels`: those that it compares."""

    metric: str
    labels: frozenset[str]
    ranged: bool


@dataclass(frozen=True)
class Expression:
    selectors: tuple[Selector, ...]
    grouping: frozenset[str]
    """Labels of by, without, on and ignoring."""


def parse(text: str) -> Expression:
    """Raises ValueError for what is no expression as far as this can tell: unknown functions, brackets that do not match, a
    rate of an instant, a range that no function takes."""
    tokens = list(_tokens(text))
    selectors: list[Selector] = []
    grouping: set[str] = set()
    brackets: list[tuple[str, str]] = []
    """Each open bracket with the function in front of it."""
    index = 0
    while index < len(tokens):
        kind, value = tokens[index]
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if kind == "name" and value in {"by", "without", "on", "ignoring"}:
            if after != "(":
                raise ValueError(f"{value} without labels in {text!r}")
            end = tokens.index(("operator", ")"), index)
            grouping |= {token for token_kind, token in tokens[index + 2 : end] if token_kind == "name"}
            index = end
        elif kind == "name" and (value in WORDS or (value in FUNCTIONS and after in {"(", "by", "without"})):
            pass
        elif kind == "name" and after == "(":
            raise ValueError(f"unknown function {value} in {text!r}")
        elif kind == "name":
            labels, index = _matchers(tokens, index, text)
            ranged = index + 1 < len(tokens) and tokens[index + 1][0] == "range"
            wants_range = bool(brackets) and brackets[-1][1] in RANGED
            if ranged != wants_range:
                raise ValueError(f"{value} {'has a' if ranged else 'needs a'} range in {text!r}")
            index += ranged
            selectors.append(Selector(value, labels, ranged))
        elif kind == "range":
            raise ValueError(f"a range of nothing in {text!r}")
        elif value == "(":
            before = tokens[index - 1] if index else ("", "")
            brackets.append(("(", before[1] if before[0] == "name" else ""))
        elif value == ")":
            if not brackets:
                raise ValueError(f"a bracket too many in {text!r}")
            brackets.pop()
        index += 1
    if brackets or not tokens:
        raise ValueError(f"the expression does not end: {text!r}")
    return Expression(tuple(selectors), frozenset(grouping))


def _matchers(tokens: list[tuple[str, str]], index: int, text: str) -> tuple[frozenset[str], int]:
    """The labels in braces behind the metric at `index`, and the index of the last token read."""
    if index + 1 >= len(tokens) or tokens[index + 1][1] != "{":
        return frozenset(), index
    end = tokens.index(("operator", "}"), index)
    inside = tokens[index + 2 : end]
    labels = set()
    for start in range(0, len(inside), 4):
        part = inside[start : start + 4]
        kinds = [kind for kind, _ in part[:3]]
        if (
            kinds != ["name", "operator", "string"]
            or part[1][1] not in {"=", "!=", "=~", "!~"}
            or part[3:] not in ([], [("operator", ",")])
        ):
            raise ValueError(f"a label is not compared in {text!r}")
        labels.add(part[0][1])
    return frozenset(labels), end


def _tokens(text: str):
    position = 0
    while position < len(text.rstrip()):
        match = TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"{text[position:]!r} in {text!r} is not PromQL")
        position = match.end()
        yield str(match.lastgroup), match.group(str(match.lastgroup))
