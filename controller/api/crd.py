"""The CustomResourceDefinitions, made from the models: structural OpenAPI v3 with defaults and CEL rules.

What "structural" means: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from controller.api.metadata import GROUP, VERSION
from controller.api.model import Model
from controller.api.names import SYSTEM_PATTERN
from controller.api.rules import Rule, Transition
from controller.api.schema import model_of, unwrapped
from controller.api.validate import KINDS

_CATEGORY = "chatsystem-all"
"""`kubectl get chatsystem-all` lists every kind of ours. A category must not be called as a kind is, or kubectl takes the one for
the other."""

READY = '.status.conditions[?(@.type=="Ready")]'

_AGE = ("Age", "date", ".metadata.creationTimestamp")

_NAMES: Mapping[str, tuple[str, list[str]]] = {
    "ChatSystem": ("chatsystems", ["chat"]),
    "ChatSystemBackup": ("chatsystembackups", ["chatbackup"]),
    "ChatSystemRestore": ("chatsystemrestores", ["chatrestore"]),
}

_COLUMNS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "ChatSystem": (
        ("Version", "string", ".status.version"),
        ("Ready", "string", f"{READY}.status"),
        ("Reason", "string", f"{READY}.reason"),
        ("Status", "string", ".status.phase"),
        ("Address", "string", ".status.addresses[0]"),
        _AGE,
    ),
    "ChatSystemBackup": (
        ("System", "string", ".spec.system"),
        ("Ready", "string", f"{READY}.status"),
        ("Verified", "date", ".status.restoreVerifiedTime"),
        ("Status", "string", ".status.phase"),
        _AGE,
    ),
    "ChatSystemRestore": (
        ("System", "string", ".spec.system"),
        ("Ready", "string", f"{READY}.status"),
        ("Status", "string", ".status.phase"),
        _AGE,
    ),
}

_SCALE = {
    "specReplicasPath": ".spec.services.gateway.replicas",
    "statusReplicasPath": ".status.gatewayReplicas",
    "labelSelectorPath": ".status.gatewaySelector",
}

NAME_RULE = {
    "rule": f"self.metadata.name.size() <= 40 && self.metadata.name.matches('{SYSTEM_PATTERN}')",
    "message": "metadata.name: use up to 40 of a-z, 0-9 and '-', beginning with a letter and ending with a letter or digit (a DNS label)",
}


UNSEEN = {"observedGeneration": -1}
"""The status of an object that no controller has seen. Without it, kstatus takes such an object for a finished one."""


def definition(kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition of one of our kinds."""
    plural, short = _NAMES[kind]
    subresources: dict[str, Any] = {"status": {}}
    if kind == "ChatSystem":
        subresources["scale"] = _SCALE
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": short,
                "categories": ["all", _CATEGORY] if kind == "ChatSystem" else [_CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": subresources,
                    "additionalPrinterColumns": [
                        {"name": name, "type": type_, "jsonPath": path} for name, type_, path in _COLUMNS[kind]
                    ],
                    "schema": {"openAPIV3Schema": _root(KINDS[kind])},
                }
            ],
        },
    }


def _root(model: type[Model]) -> dict[str, Any]:
    """The schema of a kind. Of metadata it may say nothing but that it is an object; the API server owns the rest."""
    schema = object_schema(model)
    schema["properties"] |= {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    if "status" in schema["properties"]:
        schema["properties"]["status"]["default"] = dict(UNSEEN)
    schema["required"] = ["spec"]
    schema["x-kubernetes-validations"] = [NAME_RULE, *schema.get("x-kubernetes-validations", [])]
    return schema


def object_schema(model: type[Model]) -> dict[str, Any]:
    """The structural schema of a model, nothing referred to, everything in place."""
    properties, required = {}, []
    for name, info in model.model_fields.items():
        key = info.alias or name
        properties[key] = field_schema(info)
        if info.is_required():
            required.append(key)
    schema: dict[str, Any] = {"type": "object", "description": _one_line(model.__doc__), "properties": properties}
    if required:
        schema["required"] = required
    validations = [*map(_validation, model.rules), *map(_validation, model.transitions)]
    if validations:
        schema["x-kubernetes-validations"] = validations
    return schema


def field_schema(info: FieldInfo) -> dict[str, Any]:
    """The structural schema of one field, with its doc comment and default."""
    inner = model_of(info.annotation)
    items = _model_of_items(info.annotation)
    if inner is not None:
        schema = object_schema(inner)
    elif items is not None:
        schema = {"type": "array", "items": object_schema(items)}
    else:
        leaf: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        schema = structural(TypeAdapter(leaf).json_schema())
    schema = {"description": _one_line(info.description), **_without(schema, "description")}
    if isinstance(info.json_schema_extra, dict):
        schema |= info.json_schema_extra
    default = default_of(info)
    # An API server keeps a default in the object. A choice kept there would stand beside the one that a person makes later with
    # `kubectl apply`, and be refused with it; left out, it is the controller that fills it in.
    chosen = inner is not None and any(rule.chooses for rule in inner.rules)
    if default is not None and not chosen and not (default in ({}, []) and inner is None):
        schema["default"] = default
    return schema


def default_of(info: FieldInfo) -> Any:
    """The default as it is written in a document; None: there is none. Parts give only what sets them apart from their own
    defaults, so that a default is said in one place."""
    if info.is_required():
        return None
    default = info.get_default(call_default_factory=True)
    if isinstance(default, Model):
        return default.model_dump(by_alias=True, exclude_unset=True, mode="json")
    return list(default) if isinstance(default, tuple) else default


def structural(schema: Mapping[str, Any]) -> dict[str, Any]:
    """JSON schema as pydantic writes it, in the form that an API server accepts."""
    if "anyOf" in schema and not schema.get("x-kubernetes-int-or-string"):
        some = [branch for branch in schema["anyOf"] if branch.get("type") != "null"]
        if len(some) != 1:
            raise ValueError(f"a union cannot be said in a structural schema: {schema}")
        return structural({**_without(schema, "anyOf"), **some[0]})
    # The API server drops unknown fields by itself; titles say nothing; a default is added from the model.
    result = _without(schema, "title", "default", "additionalProperties", "propertyNames", "patternProperties", "const")
    if "const" in schema:
        result["enum"] = [schema["const"]]
    if "items" in schema:
        result["items"] = structural(schema["items"])
    if "properties" in schema:
        result["properties"] = {key: structural(value) for key, value in schema["properties"].items()}
    keys = schema.get("propertyNames", {})
    patterns = dict(schema.get("patternProperties", {}))
    if isinstance(values := schema.get("additionalProperties"), dict):
        result["additionalProperties"] = structural(values)
    elif values is True:
        result["x-kubernetes-preserve-unknown-fields"] = True
    elif patterns:
        pattern, value = patterns.popitem()
        result["additionalProperties"] = structural(value)
        keys = {"pattern": pattern, **keys}
    if "pattern" in keys:
        result["x-kubernetes-validations"] = [
            {
                "rule": f"self.all(key, key.matches('{keys['pattern']}'))",
                "message": f"keys have to match {keys['pattern']}",
            }
        ]
    return result


def _validation(rule: Rule | Transition) -> dict[str, str]:
    validation = {"rule": rule.cel, "message": rule.message}
    if rule.at:
        validation["fieldPath"] = f".{rule.at}"
    return validation


def _model_of_items(annotation: Any) -> type[Model] | None:
    inner = unwrapped(annotation)
    return model_of(get_args(inner)[0]) if get_origin(inner) is tuple else None


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _without(mapping: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}
