"""Looks into the models: which fields are known at a place of a document. For error texts, rules and generated pages."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from typing_extensions import is_typeddict

from controller.api.configuration import Configuration
from controller.api.model import Model
from controller.api.problem import Location


def unwrapped(annotation: Any) -> Any:
    """The type without `Annotated` and without `| None`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            some = [arg for arg in get_args(annotation) if arg is not type(None)]
            if len(some) != 1:
                return annotation
            annotation = some[0]
        else:
            return annotation


def model_of(annotation: Any) -> type[Model] | None:
    """The model that a field holds, if it holds one."""
    inner = unwrapped(annotation)
    return inner if isinstance(inner, type) and issubclass(inner, Model) else None


def fields_of(model: type[Model]) -> dict[str, Any]:
    """Annotation of each field by its name in documents."""
    return {info.alias or name: _annotation(info) for name, info in model.model_fields.items()}


def _annotation(info: FieldInfo) -> Any:
    """The field's type; for the settings of a service the one that knows their keys."""
    return next((part.shape for part in info.metadata if isinstance(part, Configuration)), info.annotation)


def known_at(model: type[Model], location: Location) -> Sequence[str]:
    """Names of the fields that may be written at a place; empty where any name may."""
    here: Any = model
    for part in location:
        if (inner := model_of(here)) is not None:
            here = fields_of(inner).get(str(part))
        elif get_origin(unwrapped(here)) is tuple:
            here = get_args(unwrapped(here))[0]
        else:
            return ()
    inner = unwrapped(here)
    if is_typeddict(inner):
        return tuple(inner.__annotations__)
    found = model_of(here)
    return tuple(fields_of(found)) if found else ()


def read(model: type[Model], raw: object, path: str) -> Any:
    """The value at a dotted path below a model: of the document, else the default; None when neither gives one."""
    here: Any = raw
    kind: type[Model] | None = model
    for part in path.split("."):
        if isinstance(here, Model):
            name = next((n for n, info in type(here).model_fields.items() if info.alias == part), None)
            here = getattr(here, name) if name else None
        elif isinstance(here, Mapping):
            if part in here:
                here = here[part]
            else:
                info = next((i for i in kind.model_fields.values() if i.alias == part), None) if kind else None
                here = None if info is None or info.is_required() else info.get_default(call_default_factory=True)
        else:
            return None
        kind = model_of(fields_of(kind).get(part)) if kind else None
    return here
