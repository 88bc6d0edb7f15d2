"""The processes of a system as this controller remembers them, for the day on which the records are gone.

A person may remove the state directory, or a part of it, while a system runs. What nobody has declared must not run on: nothing
would ever find it again. So it is stopped, as a deletion would have stopped it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from dataclasses import dataclass

from controller.targets.local import identity, records
from controller.targets.local.identity import Children, Identity, is_alive
from controller.targets.local.layout import SystemPaths

log = logging.getLogger(__name__)

LOOK = 0.05
KILLED_WITHIN = 5.0
"""Seconds in which a process that got SIGKILL has to be gone."""


@dataclass(frozen=True)
class Known:
    """One process. What has the higher order is stopped earlier."""

    process: Identity
    order: int
    stop_grace: float


class Remains:
    """`see` the records while they are there."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._known: dict[str, dict[str, Known]] = {}

    def see(self, system: str, paths: SystemPaths) -> None:
        """Remembers what is on record, and forgets what has ended."""
        known = {name: item for name, item in self._known.get(system, {}).items() if is_alive(item.process)}
        for record in records.load_instances(paths):
            if record.identity is not None and record.exited_at is None:
                known[record.id] = Known(record.identity, record.order, record.stop_grace)
        for job in records.load_jobs(paths):
            if job.identity is not None and job.succeeded is None:
                known[job.id] = Known(job.identity, 0, 0.0)
        self._known[system] = known

    async def stop(self, system: str, paths: SystemPaths) -> None:
        """Returns when nothing that is known of the system runs any more."""
        self.see(system, paths)
        known = [item for item in self._known.pop(system, {}).values() if is_alive(item.process)]
        if known:
            log.warning("%s: its declaration is gone without a deletion; %d processes are stopped", system, len(known))
        for order in sorted({item.order for item in known}, reverse=True):
            await self._stop([item for item in known if item.order == order])

    async def _stop(self, tier: list[Known]) -> None:
        for item in tier:
            identity.send(item.process, signal.SIGTERM)
        await self._gone(tier, max(item.stop_grace for item in tier))
        for item in tier:
            identity.send(item.process, signal.SIGKILL, group=True)
        await self._gone(tier, KILLED_WITHIN)

    async def _gone(self, tier: list[Known], seconds: float) -> None:
        until = time.monotonic() + seconds
        while any(is_alive(item.process) for item in tier) and time.monotonic() < until:
            await asyncio.sleep(LOOK)
            self._children.collect()
