"""What the command line needs of a target beyond the engine's two ports, and how one is opened.

A target offers it as `await controller.targets.<target>.session.open_for(state_dir=, context=, namespace=)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from controller.engine.ports import SystemStore, Target


class Session(Protocol):
    """The declarations and the platform of one state directory, or of one cluster."""

    store: SystemStore
    target: Target
    poll: float
    """Seconds between two looks at a status while something is waited for: it is a small file, or a request."""

    async def driver(self, system: str) -> int | str | None:
        """The controller that drives the system now: its process id, or its name where it is elsewhere; None if none does."""
        ...

    async def start_controller(self, system: str) -> None:
        """Makes sure that a controller drives the system, as a process of its own that outlives this one. Returns when it has
        taken over. Does nothing where controllers are somebody else's to run. Raises TargetError."""
        ...

    async def drive(self, system: str, stopped: asyncio.Event, *, halt: bool) -> None:
        """Drives the system in this process until `stopped` is set or the system is removed. `halt`: then stops all of its
        instances gracefully and keeps its data. Raises TargetError if another controller drives it."""
        ...

    async def run(
        self,
        names: Collection[str] | None,
        stopped: asyncio.Event,
        *,
        namespaces: Collection[str] = (),
        health_port: int = 0,
    ) -> None:
        """Drives the named systems, or all that there are and will be and that nobody else drives, until `stopped` is set or all
        of the named are removed. `namespaces` to look after, where there are namespaces; `health_port` for probes, 0: none."""
        ...

    async def ask_services(self, system: str, arguments: Sequence[str]) -> str:
        """Runs the program of the services with these arguments, reaching the system's stores as its services do, and
        returns what it printed. Raises TargetError with its own words if it failed."""
        ...

    async def data_left(self, system: str) -> Sequence[str]:
        """Where the data of the system is, for people. Also after the system was removed."""
        ...

    async def purge(self, system: str) -> None:
        """Removes the data that a removed system has left."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
