"""The benchmark of the controller runs, and what must hold of any run of it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.kubernetes.__main__ import report
from bench.kubernetes.course import run
from bench.kubernetes.stage import Stage
from bench.kubernetes.stage import stage as made_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with made_stage(tmp_path, nodes=1) as one:
        yield one


async def test_systems_become_ready_edits_arrive_and_a_controller_that_finds_all_as_declared_writes_nothing(
    stage: Stage,
) -> None:
    outcome = await run(stage, systems=3, edits=2, resyncs=2)
    assert outcome.systems == len(outcome.to_ready) == 3
    assert all(seconds > 0 for seconds in (*outcome.to_ready, *outcome.edits))
    assert outcome.start_writes["apply", "Deployment"] >= 3 * 6
    assert sum(outcome.hour_writes.values()) == 0
    # A look at the external stores is a Job that is gone when it has answered.
    assert {verb for verb, kind in outcome.takeover_writes if kind == "Job"} == {"create", "delete"}
    assert not outcome.takeover_writes.get(("apply", "Deployment"))
    assert outcome.passes >= 3 * 2
    assert "3 systems" in report(outcome)
