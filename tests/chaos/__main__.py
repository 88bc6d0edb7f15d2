"""`make chaos`: breaks every part of a chat system in every way while messages flow, and says how long it needed to recover.

The same seed gives the same schedule, which is printed. Exits with 1 when a promise was broken or a recovery took longer than
ten seconds, which a machine that is busy with other things may not manage.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.campaign import Campaign, Terms
from tests.chaos.faults import FAULTS, PARTS, Round
from tests.chaos.report import name_of, table
from tests.chaos.schedule import Selection, SelectionError, named, schedule
from tests.chaos.world import WORDS, World, needs
from tests.testbed import speech

PROMISE = 10.0
"""Seconds from the return of a part until everything is as before."""


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    try:
        selection = Selection(
            named(options.part, PARTS, "part"),
            named(options.fault, FAULTS, "fault"),
            options.pairs,
            not options.only_pairs,
            options.seed,
        )
        rounds = schedule(selection)
    except SelectionError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    if left_out := [one for one in rounds if not all(needs(strike.fault) for strike in one)]:
        print(f"chaos: {len(left_out)} rounds fill disks, which takes root; they are left out", file=sys.stderr)
        rounds = [one for one in rounds if one not in left_out]
    print(f"seed {options.seed}, {options.rate:g} messages/s, {os.cpu_count()} CPUs, {platform.platform()}")
    print("schedule: " + ", ".join(map(name_of, rounds)), flush=True)
    until = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    folder = Path(tempfile.mkdtemp(prefix="chatsystem-chaos-"))
    folder.chmod(0o755)  # Elasticsearch never runs as root
    campaign = asyncio.run(run(folder, rounds, Terms(rate=options.rate), until))
    print(f"\n{table(campaign.entries)}\n\n{campaign.acknowledged} messages acknowledged")
    late = [entry for entry in campaign.entries if entry.recovery is None or entry.recovery.seconds > options.promise]
    for fault in campaign.faults:
        print(f"BROKEN: {fault}")
    for entry in late:
        print(f"LATE: {name_of(entry.round)} needed more than {options.promise:g} s")
    return 1 if campaign.faults or late else 0


async def run(folder: Path, rounds: list[Round], terms: Terms, until: float = float("inf")) -> Campaign:
    """The whole of it in a folder that other users can enter."""
    strikes = [strike for one in rounds for strike in one]
    world = World(
        folder,
        links=any(strike.fault.link for strike in strikes),
        disks=any(strike.fault.disk for strike in strikes),
    )

    def tell(words: str) -> None:
        print(words, flush=True)

    async with world:
        campaign = Campaign(world, speech.spoken(WORDS, folder), terms, tell)
        await campaign.run(rounds, until)
        pids = world.pids()
    campaign.faults += world.left(pids)
    print(f"logs: {folder}")
    return campaign


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--part", default="", help=f"parts with commas (all): {', '.join(PARTS)}")
    parser.add_argument("--fault", default="", help=f"faults with commas (all): {', '.join(FAULTS)}")
    parser.add_argument("--pairs", type=int, default=0, help="further rounds that break two parts at once (0)")
    parser.add_argument("--only-pairs", action="store_true", help="no rounds of a single part")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule (1)")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no round after that time (no limit)")
    parser.add_argument("--rate", type=float, default=200.0, help="messages per second (200)")
    parser.add_argument("--promise", type=float, default=PROMISE, help="seconds that a recovery may take (10)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
