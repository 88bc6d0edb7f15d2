"""Every part of a system of many processes on the five production stores is killed, one after another, and some stand still,
while messages flow. `make chaos` does more of it, and for longer (docs/operations/failures.md)."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.__main__ import run
from tests.chaos.campaign import Terms
from tests.chaos.faults import FAULTS, SERVICES, STORES, Fault, Strike

STILL = Fault("pause", FAULTS["pause"].meaning, 3.0, FAULTS["pause"].parts)

TERMS = Terms(rate=100.0, share=0.25, quiet=2.0, pause=0.3, deadline=90.0, chapter=100)
"""A machine that is busy with other tests is slower, but it comes back; how quickly is for `make chaos` to judge."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chatsystem-chaos-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # Elasticsearch never runs as root
        yield Path(name)


@pytest.mark.timeout(600)
async def test_nothing_is_lost_doubled_or_out_of_order_while_every_part_is_killed_in_turn(folder):
    killed = [(Strike(part, FAULTS["kill"], place % 2),) for place, part in enumerate((*SERVICES, *STORES))]
    paused = [(Strike(part, STILL),) for part in ("gateway", "redis")]
    rounds = random.Random(7).sample(killed + paused, len(killed + paused))
    campaign = await run(folder, rounds, TERMS)
    assert campaign.faults == []
    assert len(campaign.entries) == len(rounds)
