"""A whole system, as it is."""

from __future__ import annotations

from tests.controller.targets.kubernetes.render.golden import COMMAND, GOLDEN, text


def test_a_declaration_becomes_what_it_became_before() -> None:
    assert text() == GOLDEN.read_text(), f"read the difference; if it is meant: {COMMAND}"
