"""Manifests in tests: rendered from declarations, and held against Kubernetes' own OpenAPI description, from which the typed models of its
client are made: names and types of all fields, and which are required."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from controller.api.validate import parse_system
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.render.build import render
from controller.targets.kubernetes.render.manifest import Manifest, Rendering
from controller.targets.kubernetes.render.surroundings import Surroundings

EXAMPLES = Path(__file__).parents[2] / "examples"
SYSTEMS = sorted(path for path in EXAMPLES.glob("*.yaml") if yaml.safe_load(path.read_text())["kind"] == "ChatSystem")
BARE = Surroundings("chat")


def declaration(name: str = "acme", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": name},
        "spec": {"version": "1.2.0", **spec},
    }


def rendered(document: Mapping[str, Any], surroundings: Surroundings = BARE) -> Rendering:
    system = parse_system(document)
    return render(system, blueprint_of(system), surroundings)


def found(rendering: Rendering, kind: str, name: str) -> Manifest:
    """The one manifest of this kind and name."""
    (manifest,) = [item for item in rendering.manifests if item["kind"] == kind and item["metadata"]["name"] == name]
    return manifest


def pods(rendering: Rendering) -> Iterator[tuple[str, Manifest]]:
    """Every pod template with the name of its component."""
    for manifest in rendering.manifests:
        if template := manifest["spec"].get("template") if "spec" in manifest else None:
            yield manifest["metadata"]["labels"]["app.kubernetes.io/component"], template


def checked(manifest: Manifest) -> Manifest:
    """The manifest as its typed model understands it: the same, or something in it is not what was meant. Raises ValueError for a field that
    there is not, one of another type, and one that is missing."""
    from kubernetes.client import models

    version = manifest["apiVersion"].rpartition("/")[2]
    model = getattr(models, f"{version.capitalize()}{manifest['kind']}")
    understood: Manifest = model.model_validate(manifest).model_dump(by_alias=True, exclude_none=True)
    return understood


def as_yaml(manifests: Any) -> str:
    """As a person reads them: without anchors."""
    return "---\n".join(yaml.dump(item, Dumper=_Plain, sort_keys=False, width=120) for item in manifests)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
