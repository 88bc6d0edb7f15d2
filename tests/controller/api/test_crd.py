"""The CRDs are structural, complete and say the same as the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from controller.api import generate
from controller.api.crd import definition
from controller.api.schema import fields_of, model_of
from controller.api.validate import KINDS

FORBIDDEN = {
    "$ref",
    "$defs",
    "definitions",
    "oneOf",
    "allOf",
    "not",
    "const",
    "title",
    "patternProperties",
    "propertyNames",
    "prefixItems",
    "nullable",
}


def root(kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from nodes(schema["additionalProperties"], f"{path}.*")


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_structural(kind: str) -> None:
    for path, node in nodes(root(kind)):
        assert not FORBIDDEN & set(node), path
        if node.get("x-kubernetes-int-or-string"):
            assert "type" not in node
            assert node["anyOf"] == [{"type": "integer"}, {"type": "string"}], path
        else:
            assert node["type"] in {"object", "array", "string", "integer", "number", "boolean"}, path
            assert "anyOf" not in node, path
        assert not ("properties" in node and "additionalProperties" in node), path
        if node.get("type") == "array":
            assert "items" in node, path


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_its_doc_comment(kind: str) -> None:
    for path, node in nodes(root(kind)):
        if "[]" not in path and "*" not in path and path not in ("", ".apiVersion", ".kind", ".metadata"):
            assert node["description"], path


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_valid_in_the_schema(kind: str) -> None:
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    for path, node in nodes(root(kind)):
        if "default" not in node:
            continue
        default = node["default"]
        if node.get("x-kubernetes-int-or-string"):
            assert isinstance(default, int | str), path
        else:
            assert isinstance(default, kinds[node["type"]]), path
        if "enum" in node:
            assert default in node["enum"], path
        if "pattern" in node:
            assert re.fullmatch(node["pattern"], str(default)), path
        if "minimum" in node:
            assert node["minimum"] <= default <= node["maximum"], path
        if node.get("type") == "object":
            missing = set(node.get("required", ())) - set(default)
            assert not missing, path


@pytest.mark.parametrize("kind", KINDS)
def test_each_rule_of_a_model_is_in_the_schema_with_the_same_words(kind: str) -> None:
    def compare(model: Any, schema: dict[str, Any]) -> int:
        said = {entry["rule"]: entry["message"] for entry in schema.get("x-kubernetes-validations", [])}
        for rule in (*model.rules, *model.transitions):
            assert said[rule.cel] == rule.message
        count = len(model.rules) + len(model.transitions)
        for name, annotation in fields_of(model).items():
            if (inner := model_of(annotation)) and name != "metadata":
                count += compare(inner, schema["properties"][name])
        return count

    assert compare(KINDS[kind], root(kind)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_points_to_a_field_that_exists(kind: str) -> None:
    for path, node in nodes(root(kind)):
        for rule in node.get("x-kubernetes-validations", []):
            here = node
            for part in rule.get("fieldPath", "").strip(".").split("."):
                here = here["properties"][part] if part else here
            for read in re.findall(r"self\.([a-z][A-Za-z0-9]*)", rule["rule"].replace(".matches(", "(")):
                assert read in ("all", "metadata") or read in node["properties"], path


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_asks_for_each_field_before_it_reads_it(kind: str) -> None:
    """The API server refuses a CRD whose rules fail on a part's own default, where nested defaults are not filled in yet."""
    for path, node in nodes(root(kind)):
        for rule in node.get("x-kubernetes-validations", []):
            for read in re.findall(r"self\.[a-z][A-Za-z0-9.]*[A-Za-z0-9]", rule["rule"].replace(".matches(", "(")):
                parts = read.split(".")[1:]
                if parts[0] in ("all", "metadata") or set(parts) <= set(node.get("required", ())):
                    continue
                for depth in range(1, len(parts) + 1):
                    assert f"has(self.{'.'.join(parts[:depth])})" in rule["rule"], f"{path}: {rule['rule']}"


def test_the_scale_subresource_reads_fields_that_always_exist() -> None:
    version = definition("ChatSystem")["spec"]["versions"][0]
    scale = version["subresources"]["scale"]
    here: Any = root("ChatSystem")
    for part in scale["specReplicasPath"].strip(".").split("."):
        here = here["properties"][part]
        assert "default" in here or part == "spec", part
    for key, kind in (("statusReplicasPath", "integer"), ("labelSelectorPath", "string")):
        name = scale[key].rsplit(".", 1)[1]
        assert root("ChatSystem")["properties"]["status"]["properties"][name]["type"] == kind


def test_conditions_are_merged_by_type() -> None:
    for kind in KINDS:
        conditions = root(kind)["properties"]["status"]["properties"]["conditions"]
        assert conditions["x-kubernetes-list-type"] == "map"
        assert conditions["x-kubernetes-list-map-keys"] == ["type"]
        assert "type" in conditions["items"]["required"]


def test_chat_is_the_short_name_and_kubectl_get_shows_the_state() -> None:
    spec = definition("ChatSystem")["spec"]
    assert spec["names"]["shortNames"] == ["chat"]
    columns = [column["name"] for column in spec["versions"][0]["additionalPrinterColumns"]]
    assert columns == ["Version", "Ready", "Reason", "Status", "Address", "Age"]


def test_the_generated_files_are_current() -> None:
    assert generate.main(["--check"]) == 0


def test_a_stale_file_is_named_with_the_command(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "crds/chatsystems.yaml is stale: run python -m controller.api.generate" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_an_api_server_keeps_no_choice_that_nobody_made() -> None:
    """It would stand beside the one that a person makes later, and be refused with it."""
    stores = root("ChatSystem")["properties"]["spec"]["properties"]["stores"]["properties"]
    assert [name for name, store in stores.items() if "default" in store] == []
