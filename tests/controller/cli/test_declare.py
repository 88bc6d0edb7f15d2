"""Keeping a declaration: what may not change is refused, what has no effect is said, what is new is told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.api.problem import InvalidDocument
from controller.cli.apply import put
from controller.cli.options import Place
from controller.targets.local.session import LocalSession, open_session


def document(**spec: Any) -> dict[str, Any]:
    head = {"apiVersion": "chatsystem.dev/v1alpha1", "kind": "ChatSystem", "metadata": {"name": "chat"}}
    return {**head, "spec": {"version": "1", **spec}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    async def nobody(_session: LocalSession, _system: str) -> None:
        """No controller: only what is kept matters here."""

    monkeypatch.setattr(LocalSession, "start_controller", nobody)
    return Place(tmp_path, "local")


async def test_it_is_said_whether_anything_changed(place: Place) -> None:
    assert await put(place, document()) == "chat created (generation 1)"
    assert await put(place, document()) == "chat unchanged (generation 1)"
    assert await put(place, document(suspend=True)) == "chat changed (generation 2)"


async def test_a_change_that_is_not_possible_is_refused_and_nothing_is_kept_of_it(place: Place) -> None:
    def of(size: str) -> dict[str, Any]:
        return document(stores={"mysql": {"managed": {"storage": size}}})

    await put(place, of("20Gi"))
    with pytest.raises(InvalidDocument, match="a volume cannot shrink"):
        await put(place, of("10Gi"))
    kept = await open_session(place.state_dir).store.get("chat")
    assert kept is not None
    assert kept.document == of("20Gi")
