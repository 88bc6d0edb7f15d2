"""The golden file of rendering: python -m tests.controller.targets.kubernetes.render.golden writes it anew.

What changes in it changes in every cluster when the controller is updated: read the difference before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from controller.targets.kubernetes.render.surroundings import Surroundings
from tests.testbed.manifests import as_yaml, rendered

FOLDER = Path(__file__).parent / "golden"
DECLARATION, GOLDEN = FOLDER / "acme.declaration.yaml", FOLDER / "acme.yaml"
COMMAND = "python -m tests.controller.targets.kubernetes.render.golden"
AROUND = Surroundings("chat", secrets={"mysql": "acme-mysql-5d41402a"}, monitoring=True)


def text() -> str:
    """What the declaration becomes now, group by group."""
    groups = rendered(yaml.safe_load(DECLARATION.read_text()), AROUND).groups
    parts = [f"\n# {group.name}\n---\n{as_yaml(group.manifests)}" for group in groups]
    return "".join([f"# Written by {COMMAND}\n", *parts])


if __name__ == "__main__":
    GOLDEN.write_text(text())
