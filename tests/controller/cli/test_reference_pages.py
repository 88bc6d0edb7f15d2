"""The pages that are written by hand list what the code has, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

from controller.engine.conditions import CONDITIONS
from controller.engine.reasons import Reason

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "conditions.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> set[str]:
    """The words in the first column of the table below a heading."""
    table = PAGE.split(heading, 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def test_every_reason_is_explained() -> None:
    explained = first_cells("## Reasons") | first_cells("## Events")
    assert explained == {reason.value for reason in Reason}


def test_every_condition_is_explained() -> None:
    named = {condition.__name__.title().replace("_", "") for condition in CONDITIONS}
    assert first_cells("# Conditions") == named
