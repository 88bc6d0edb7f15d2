"""What a declaration becomes on Kubernetes, for `render`: without a cluster, so secrets and the ChatSystem itself are only names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml


def manifests(document: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """In the order in which they are applied. Raises InvalidDocument and InvalidDeclaration."""
    from controller.api.validate import parse_system
    from controller.targets.kubernetes.blueprint import blueprint_of
    from controller.targets.kubernetes.render.build import render
    from controller.targets.kubernetes.render.surroundings import Surroundings

    system = parse_system(dict(document))
    surroundings = Surroundings(system.metadata.namespace or "default")
    return render(system, blueprint_of(system), surroundings).manifests


def shown(items: tuple[dict[str, Any], ...], output: str) -> str:
    """As text that `kubectl apply -f -` reads: documents of YAML, or one List of JSON."""
    if output == "json":
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump_all(items, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes what is the same in two places twice, as a person would."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
