"""The reasons and their reference page."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.engine.conditions import conditions_of
from controller.engine.model import Verdict
from controller.engine.reasons import Reason
from tests.controller.engine.test_conditions import situation

PAGE = (Path(__file__).parents[3] / "docs/reference/status.md").read_text()


@pytest.mark.parametrize("word", [*Reason, *Verdict])
def test_every_reason_and_verdict_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_condition_is_explained() -> None:
    assert all(f"| `{item.type}` |" in PAGE for item in conditions_of(situation()))
