"""Writes what is made from the models: `python -m controller.api.generate [--check]`. The only module of this package with
input and output; nothing imports it."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from controller.api.crd import definition
from controller.api.reference import page
from controller.api.validate import KINDS

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python -m controller.api.generate"


class _Dumper(yaml.SafeDumper):
    """Never writes aliases: a CRD is read by people and by tools that do not know them."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def outputs() -> dict[str, str]:
    """Content of each generated file by its path below the root."""
    files = {}
    for kind in KINDS:
        crd = definition(kind)
        text = yaml.dump(crd, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
        files[f"crds/{crd['spec']['names']['plural']}.yaml"] = f"# Made by {COMMAND}. Do not edit.\n{text}"
        files[f"docs/reference/{kind.lower()}.md"] = page(kind)
    return files


def main(arguments: list[str]) -> int:
    """0: written, or current. 1: `--check` found a stale file."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"usage: {COMMAND} [--check]\n")
        return 2
    stale = []
    for name, text in outputs().items():
        file = ROOT / name
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        if arguments:
            stale.append(name)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stderr.write(f"{name} is stale: run {COMMAND}\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
