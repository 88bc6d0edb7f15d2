"""Runs a schedule: for each round break, wait, mend, and measure the way back; for each chapter a verdict on everything.

A chapter is a few rounds under one load of new people, so that what is kept in memory and checked stays small.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos import ledger
from tests.chaos.faults import Round
from tests.chaos.load import Load
from tests.chaos.recovery import WINDOW, Recovery, resumed
from tests.chaos.report import Entry, line, name_of
from tests.chaos.world import World


@dataclass(frozen=True)
class Terms:
    """`rate`: messages per second that are asked for. `share` of what the undisturbed system acknowledged counts as
    normal, which `quiet` seconds of it in the beginning tell. `pause`: seconds between two rounds. `deadline`: seconds that a
    recovery may take; `patience`: seconds that a send, and the stores in the end, may take. `chapter`: rounds under one load."""

    rate: float = 200.0
    share: float = 0.8
    quiet: float = 5.0
    pause: float = 1.0
    deadline: float = 60.0
    patience: float = 120.0
    chapter: int = 8


class Campaign:
    """`tell` gets a line after each step."""

    def __init__(self, world: World, pcm: bytes, terms: Terms, tell: Callable[[str], None] = print) -> None:
        self._world, self._pcm, self._terms, self._tell = world, pcm, terms, tell
        self.entries: list[Entry] = []
        self.faults: list[str] = []
        self.acknowledged = 0

    async def run(self, rounds: Sequence[Round], until: float = float("inf")) -> None:
        """All rounds, or those that begin before `until` (time.monotonic). Ends early when the system does not recover."""
        size = self._terms.chapter
        for first in range(0, len(rounds), size):
            if time.monotonic() > until:
                break
            await self._chapter(rounds[first : first + size], until)
            if self.faults:
                break

    async def _chapter(self, rounds: Sequence[Round], until: float) -> None:
        system = self._world.system
        load = Load(system.host, list(system.gateway_ports.values()), self._terms.rate, self._terms.patience)
        await load.begin(self._pcm)
        normal = await self._quiet(load)
        for strikes in rounds:
            if time.monotonic() > until:
                break
            entry = await self._round(load, strikes, normal)
            self.entries.append(entry)
            self._tell(line(entry))
            if entry.recovery is None:
                self.faults.append(f"{name_of(strikes)}: not back to normal: {entry.missing}")
                break
            await asyncio.sleep(self._terms.pause)
        names = ", ".join(map(name_of, rounds))
        found = await load.end() + await asyncio.to_thread(ledger.faults, self._world, self._terms.patience)
        self.acknowledged += len(load.acknowledged)
        self.faults += [f"{fault} (after {names})" for fault in found]
        self._tell(
            f"{len(load.acknowledged)} messages acknowledged; " + (f"{len(found)} FAULTS" if found else "all is right")
        )

    async def _quiet(self, load: Load) -> float:
        """Messages per second that count as normal from now on."""
        begun = time.monotonic()
        await self._recovered(load, begun, 1.0)
        counted = len(load.acknowledged)
        await asyncio.sleep(self._terms.quiet)
        reached = (len(load.acknowledged) - counted) / self._terms.quiet
        self._tell(f"undisturbed: {reached:.0f} messages/s")
        return reached * self._terms.share

    async def _round(self, load: Load, strikes: Round, normal: float) -> Entry:
        struck = time.monotonic()
        await asyncio.gather(*(self._strike_and_mend(strike) for strike in strikes))
        returned = time.monotonic()
        recovery, missing = await self._recovered(load, returned, normal)
        return Entry(strikes, load.longest_silence(struck), recovery, missing)

    async def _strike_and_mend(self, strike) -> None:  # type: ignore[no-untyped-def]
        await self._world.strike(strike)
        await asyncio.sleep(strike.fault.away)
        await self._world.mend(strike)

    async def _recovered(self, load: Load, returned: float, normal: float) -> tuple[Recovery | None, str]:
        """The way back from `returned` on, or what is missing when the deadline has passed."""
        ready = None
        while True:
            load.watch()
            if ready is None and await asyncio.to_thread(self._world.ready):
                ready = time.monotonic()
            rate = resumed(load.acknowledged, returned, normal)
            pulse = load.pulse.whole_since(returned)
            if ready is not None and rate is not None and pulse is not None:
                return Recovery(rate - returned, ready - returned, pulse - returned), ""
            if time.monotonic() > returned + self._terms.deadline + WINDOW:
                missing = {
                    "the rate of sends": rate,
                    "a process that is ready": ready,
                    load.pulse.missing or "a pulse": pulse,
                }
                return None, ", ".join(what for what, moment in missing.items() if moment is None)
            await asyncio.sleep(0.1)
