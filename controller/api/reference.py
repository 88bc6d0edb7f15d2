"""The reference pages, made from the models: each field with its type, default and doc comment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from controller.api.crd import default_of, field_schema
from controller.api.model import Model
from controller.api.schema import model_of
from controller.api.validate import KINDS

_SERVERS = "Set by "


def page(kind: str) -> str:
    """The reference page of a kind, as Markdown."""
    model = KINDS[kind]
    lines = [
        f"# {kind}",
        "",
        f"{_text(model.__doc__)} `apiVersion: chatsystem.dev/v1alpha1`.",
        "",
        "Made from the models of `controller/api`; do not edit. A field without a default may be left out unless it says *required*.",
        "",
    ]
    for path, part in _parts(model, ""):
        lines += _section(kind, path, part)
    return "\n".join(lines).rstrip() + "\n"


def _parts(model: type[Model], path: str) -> Iterator[tuple[str, type[Model]]]:
    """Every part of the document that is a mapping, in the order of the document."""
    yield path, model
    for name, info in model.model_fields.items():
        key = info.alias or name
        inner = model_of(info.annotation)
        if inner is not None:
            yield from _parts(inner, f"{path}.{key}" if path else key)


def _section(kind: str, path: str, model: type[Model]) -> list[str]:
    lines = [f"## {path or kind}", "", _text(model.__doc__), ""]
    lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
    settings: list[str] = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        doc = _text(info.description)
        if doc.startswith(_SERVERS):
            continue
        schema = field_schema(info)
        default = "*required*" if info.is_required() else _default(default_of(info))
        lines.append(f"| `{key}` | {_type(schema, model_of(info.annotation) is not None)} | {default} | {doc} |")
        if key == "config":
            settings = [
                f"| `config.{setting}` | {_type(part, False)} | | {_text(part.get('description'))} |"
                for setting, part in schema["properties"].items()
            ]
        items = schema.get("items", {})
        if items.get("properties"):
            settings += [
                f"| `{key}[].{entry}` | {_type(part, False)} | {_default(part.get('default'))} | {_text(part.get('description'))} |"
                for entry, part in items["properties"].items()
            ]
    lines += settings
    if model.rules or model.transitions:
        lines.append("")
        lines += [f"- Rule: {rule.message}." for rule in model.rules]
        lines += [f"- On a change: {transition.message}." for transition in model.transitions]
    return [*lines, ""]


def _type(schema: Mapping[str, Any], part: bool) -> str:
    """The type in words, with its bounds."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'], False)}"
        case "object":
            return "mapping" if part or "additionalProperties" in schema or "properties" in schema else "anything"
        case "integer" | "number":
            low, high = schema.get("minimum"), schema.get("maximum")
            word = "whole number" if schema["type"] == "integer" else "number"
            if low is not None and high is not None:
                return f"{word}, {low:g} to {high:.12g}"
            return f"{word}, from {low:g}" if low is not None else word
        case "boolean":
            return "true, false"
    return "time" if schema.get("format") == "date-time" else "text"


def _default(value: Any) -> str:
    if value is None or value in ({}, [], ""):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`"


def _text(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
