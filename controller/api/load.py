"""YAML text becomes plain data: strictly, with the line of what cannot be read. Works on text; opening files is the caller's.

Refused although YAML allows it: duplicate keys, several documents, tags, merge keys, deep nesting. A document like that is
a mistake or an attack far more often than a wish.
"""

from __future__ import annotations

from typing import Any

import yaml

from controller.api.plain import DEPTH
from controller.api.problem import InvalidDocument, Problem, shown
from controller.api.validate import Resource, parse

LONGEST = 1_000_000
"""Characters of one document."""

EVENTS = 200_000
"""Tokens of structure in one document."""


def load(text: str) -> Resource:
    """The model of a YAML (or JSON) text. Raises InvalidDocument."""
    return parse(load_plain(text))


def load_plain(text: str) -> Any:
    """The plain data of a YAML (or JSON) text. Raises InvalidDocument."""
    if len(text) > LONGEST:
        raise _refused(None, f"the document is longer than {LONGEST} characters", "shorten it")
    try:
        _survey(text)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "cannot be read"
        raise _refused(error.problem_mark or error.context_mark, f"this is not YAML: {problem}", "correct it") from None
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise _refused(None, f"this is not YAML: {first}", "save it as UTF-8 text without control characters") from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, InvalidDocument):
            raise
        raise _refused(
            None, "a number or date in it cannot be read", "put it in quotes if it is meant as text"
        ) from None
    if data is None:
        raise _refused(None, "the document is empty", "give a document of kind ChatSystem")
    return data


def _survey(text: str) -> None:
    """Refuses what would be dangerous or ambiguous to build, from the stream of events alone."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if count > EVENTS:
            raise _refused(None, "the document has too many parts", "shorten it")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _refused(event.start_mark, "there is more than one document", "give one document at a time")
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH + 1:
                raise _refused(event.start_mark, f"nested deeper than {DEPTH} levels", "flatten it")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if getattr(event, "tag", None) is not None:
            raise _refused(
                event.start_mark, "tags (!) are not used here", "put the value in quotes if it is meant as text"
            )


class _Loader(yaml.SafeLoader):
    """Refuses keys that are given twice or are not texts; PyYAML would let the last one win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise _refused(key_node.start_mark, "merge keys (<<) are not used here", "write the fields out")
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refused(key_node.start_mark, "a key is not a text", "use a plain word as key")
            key = self.construct_object(key_node)
            if key in mapping:
                raise _refused(key_node.start_mark, f"the key {shown(key)} is given twice", "keep one of the two")
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping

    def flatten_mapping(self, node: Any) -> None:
        """Merge keys are refused above, not expanded."""


def _refused(mark: Any, message: str, remedy: str) -> InvalidDocument:
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return InvalidDocument([Problem("", place + message, remedy)])
