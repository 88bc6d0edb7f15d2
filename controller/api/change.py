"""May one declaration take the place of another? The rules about changes, for where no API server asks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.api.model import Model
from controller.api.problem import InvalidDocument, Location, Problem, path_of
from controller.api.schema import fields_of, model_of, read
from controller.api.validate import Resource, dump, parse


def check_change(before: Mapping[str, Any], after: Resource) -> None:
    """Raises InvalidDocument with everything that may not change from `before` to `after`. A `before` that is not valid itself
    binds nobody."""
    try:
        old = parse(dict(before))
    except InvalidDocument:
        return
    if type(old) is not type(after):
        return
    problems = list(_broken(type(after), dump(old), dump(after), ()))
    if problems:
        raise InvalidDocument(problems)


def _broken(model: type[Model], old: Any, new: Any, at: Location) -> Iterator[Problem]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    for transition in model.transitions:
        path = transition.at
        values = [read(model, raw, path) if path else raw for raw in (old, new)]
        if not transition.holds(*values):
            place = (*at, *path.split(".")) if path else at
            yield Problem(path_of(place), transition.problem, transition.remedy)
    for name, annotation in fields_of(model).items():
        inner = model_of(annotation)
        if inner is not None:
            yield from _broken(inner, _part(model, old, name), _part(model, new, name), (*at, name))


def _part(model: type[Model], raw: Mapping[str, Any], name: str) -> Any:
    """The part as a document, its default included."""
    value = read(model, raw, name)
    return value.model_dump(by_alias=True, exclude_unset=True, mode="json") if isinstance(value, Model) else value
