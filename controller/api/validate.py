"""The door for documents: a document becomes a model, or is refused with every error at once.

The same rules hold as in the CRDs, so that a document which one target accepts is accepted by all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from controller.api.backup import ChatSystemBackup, ChatSystemRestore
from controller.api.chatsystem import ChatSystem
from controller.api.model import Model
from controller.api.plain import plain
from controller.api.problem import SHOWN, InvalidDocument, Location, Problem, path_of, shown
from controller.api.schema import fields_of, known_at, model_of, read

Resource = ChatSystem | ChatSystemBackup | ChatSystemRestore

KINDS: dict[str, type[Resource]] = {
    "ChatSystem": ChatSystem,
    "ChatSystemBackup": ChatSystemBackup,
    "ChatSystemRestore": ChatSystemRestore,
}

_TYPE_NAMES = {
    "string_type": ("a text", "put it in quotes"),
    "int_type": ("a whole number", "write it without quotes and fraction"),
    "int_from_float": ("a whole number", "write it without fraction"),
    "float_type": ("a number", "write it without quotes"),
    "bool_type": ("true or false", "write true or false without quotes"),
    "tuple_type": ("a list", "write it as a list: [...]"),
    "mapping_type": ("a mapping", "write fields below it, or {}"),
    "dict_type": ("a mapping", "write fields below it, or {}"),
    "model_type": ("a mapping", "write fields below it, or {}"),
    "model_attributes_type": ("a mapping", "write fields below it, or {}"),
}


def parse(document: object) -> Resource:
    """The model of a document (plain data, as YAML or JSON gives it). Raises InvalidDocument with every problem."""
    data, unusable = plain(document)
    if not isinstance(data, dict):
        raise InvalidDocument(
            [
                Problem(
                    "",
                    f"the document is {shown(data)}, not a mapping",
                    "begin it with apiVersion: chatsystem.dev/v1alpha1",
                )
            ]
        )
    kind = data.get("kind")
    model = KINDS.get(kind, ChatSystem) if isinstance(kind, str) else ChatSystem
    problems = list(unusable)
    places = {location for location, _ in unusable}
    resource: Resource | None = None
    more = 0
    try:
        resource = model.model_validate(data)
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if _place(detail) not in places]
        places.update(map(_place, details))
        details = [detail for detail in details if not _follows_from_its_entries(detail, places)]
        more = max(0, len(details) - SHOWN)
        problems += [(_place(detail), _problem(model, detail)) for detail in details[:SHOWN]]
    problems += _broken_rules(model, data, (), places)
    if problems or resource is None:
        more += max(0, len(problems) - SHOWN)
        raise InvalidDocument([problem for _, problem in problems[:SHOWN]], more)
    return resource


def parse_system(document: object) -> ChatSystem:
    """The ChatSystem of a document. Raises InvalidDocument, also for another kind."""
    resource = parse(document)
    if not isinstance(resource, ChatSystem):
        raise InvalidDocument(
            [Problem("kind", f"{resource.kind} cannot be used here", "give a document of kind ChatSystem")]
        )
    return resource


def dump(resource: Resource) -> dict[str, Any]:
    """The document of a model: what was written, without defaults. `parse` of it gives an equal model."""
    return resource.model_dump(by_alias=True, exclude_unset=True, mode="json")


def _place(detail: ErrorDetails) -> Location:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _follows_from_its_entries(detail: ErrorDetails, places: set[Location]) -> bool:
    """pydantic counts only the valid entries of a list; that it is then too short is no mistake of its own."""
    at = _place(detail)
    return detail["type"] == "too_short" and any(len(place) > len(at) and place[: len(at)] == at for place in places)


def _problem(model: type[Model], detail: ErrorDetails) -> Problem:
    """A pydantic error in our words."""
    location, kind, given, context = _place(detail), detail["type"], detail["input"], detail.get("ctx", {})
    path = path_of(location)
    match kind:
        case "missing":
            return Problem(path, "is required", _how_to_add(location))
        case "extra_forbidden":
            return Problem(path, "is not a known field", _nearest(str(location[-1]), known_at(model, location[:-1])))
        case "literal_error":
            choices = [choice.strip("'") for choice in str(context["expected"]).replace(" or ", ", ").split(", ")]
            return Problem(path, f"{shown(given)} is not allowed", _nearest(str(given), choices))
        case "value" | "quantity":
            return Problem(path, str(context["problem"]), str(context["remedy"]))
        case "greater_than_equal":
            return Problem(path, f"{shown(given)} is too small", f"use at least {_number(context['ge'])}")
        case "less_than_equal":
            return Problem(path, f"{shown(given)} is too large", f"use at most {_number(context['le'])}")
        case "string_pattern_mismatch":
            return Problem(
                path, f"{shown(given)} does not have the right form", f"it has to match {context['pattern']}"
            )
        case "string_too_short" | "too_short":
            return Problem(path, "is too short", f"give at least {context['min_length']}")
        case "string_too_long" | "too_long":
            return Problem(path, "is too long", f"give at most {context['max_length']}")
    if kind in _TYPE_NAMES:
        wanted, remedy = _TYPE_NAMES[kind]
        if kind == "string_type" and isinstance(given, int | float) and not isinstance(given, bool):
            remedy = f'put it in quotes: "{given}"'
        return Problem(
            path, f"{shown(given)} is not {wanted}", remedy if given is not None else f"give {wanted}, or remove it"
        )
    return Problem(path, detail["msg"], "see the reference of the field")


def _how_to_add(location: Location) -> str:
    match location:
        case ("apiVersion",):
            return "add apiVersion: chatsystem.dev/v1alpha1"
        case ("kind",):
            return f"add kind: one of {', '.join(KINDS)}"
        case ("metadata",) | ("metadata", "name"):
            return "add metadata.name, for example acme"
        case ("spec", "version"):
            return 'add the version of the image in quotes, for example "1.2.0"'
    return f"add {location[-1]}"


def _nearest(given: str, known: Any) -> str:
    """What the person may have meant."""
    if not known:
        return "remove it"
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given[:60].lower(), list(folded), n=1, cutoff=0.6)
    if close:
        return f"did you mean {folded[close[0]]}?"
    return f"known here: {', '.join(known)}" if len(known) <= 16 else "remove it"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def _broken_rules(
    model: type[Model], raw: Any, at: Location, invalid: set[Location]
) -> Iterator[tuple[Location, Problem]]:
    """The rules between fields that do not hold, asked wherever the fields they read are valid by themselves."""
    if not isinstance(raw, dict):
        return
    for rule in model.rules:
        reads = [(*at, *path.split(".")) for path in rule.reads]
        if any(place[: len(bad)] == bad for place in reads for bad in invalid if bad):
            continue
        if not rule.holds(*(read(model, raw, path) for path in rule.reads)):
            place = (*at, *rule.at.split(".")) if rule.at else at
            yield place, Problem(path_of(place), rule.problem, rule.remedy)
    for name, annotation in fields_of(model).items():
        inner = model_of(annotation)
        if inner is not None and name in raw:
            yield from _broken_rules(inner, raw[name], (*at, name), invalid)
