"""The local target for the command line: opens a state directory, and sees to it that a controller runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from controller.engine.loop import Loop
from controller.engine.ports import TargetError
from controller.targets.local.administer import ask
from controller.targets.local.identity import identify
from controller.targets.local.layout import VARIABLE, StateDir, default_state_dir
from controller.targets.local.lease import Lease, holder
from controller.targets.local.logs import last_words, open_log
from controller.targets.local.store import LocalStore
from controller.targets.local.target import LocalTarget

TAKES_OVER_WITHIN = 15.0
"""Seconds in which a controller that was started has to hold the lock."""
ENDS_WITHIN = 0.2
"""Seconds in which a controller whose system was removed, or that was killed, has let go of the lock."""
_SOURCE = Path(__file__).resolve().parents[3]


class LocalSession:
    """Implements the command line's Session."""

    poll = 0.1

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self.store = LocalStore(state)
        self.target = LocalTarget(state)

    def controller_pid(self, system: str) -> int | None:
        return holder(self._state.lock(system))

    async def driver(self, system: str) -> int | str | None:
        return self.controller_pid(system)

    async def start_controller(self, system: str) -> None:
        # Of several who want one at once, the first starts it and the others find it.
        starting = Lease()
        while not starting.acquire(self._state.lock(f"{system}.start")):  # noqa: ASYNC110 - no event crosses processes
            await asyncio.sleep(0.02)
        try:
            await self._start_controller(system)
        finally:
            starting.release(self._state.lock(f"{system}.start"))

    async def _start_controller(self, system: str) -> None:
        if await self._is_driven(system):
            return
        if await self.store.get(system) is None:
            return  # Whoever drove it has just removed it: nothing is left to be driven.
        log = self._state.system(system).logs / "controller.log"
        child = self._spawn(system, log)
        until = time.monotonic() + TAKES_OVER_WITHIN
        while self.controller_pid(system) is None:
            if child.poll() is not None and self.controller_pid(system) is None:
                words = last_words(log)
                raise TargetError(f"the controller of {system} ended at once: {words or 'it said nothing'}; see {log}")
            if time.monotonic() > until:
                raise TargetError(f"the controller of {system} (process {child.pid}) does not take over; see {log}")
            await asyncio.sleep(0.02)

    async def _is_driven(self, system: str) -> bool:
        """Whether a controller drives the system, and is not just about to end, as after a deletion."""
        until = time.monotonic() + ENDS_WITHIN
        while time.monotonic() < until:
            pid = self.controller_pid(system)
            if pid is None or identify(pid) is None:
                return False
            await asyncio.sleep(0.02)
        return True

    async def drive(self, system: str, stopped: asyncio.Event, *, halt: bool) -> None:
        if not await self.target.acquire(system):
            pid = self.controller_pid(system)
            raise TargetError(
                f"another controller (process {pid}) drives {system}; watch it with `chatsystem status {system} --watch`, "
                "or end that process first"
            )
        loop = Loop(self.store, self.target, names=[system])
        await _until(loop, stopped)
        if halt:
            await loop.stop(system)
        await self.target.release(system)

    async def run(self, names: Collection[str] | None, stopped: asyncio.Event, **_: object) -> None:
        """Drives the named systems, or all that there are and will be, until `stopped` is set or all the named are gone."""
        await _until(Loop(self.store, self.target, names=names), stopped)

    async def ask_services(self, system: str, arguments: Sequence[str]) -> str:
        stored = await self.store.get(system)
        if stored is None:
            raise TargetError(f"there is no system named {system}")
        return await ask(system, self._state.system(system), self.target.blueprint(stored.document), arguments)

    def data_directories(self, system: str) -> Sequence[Path]:
        paths = self._state.system(system)
        return [path for path in (paths.data, paths.secrets) if path.is_dir() and any(path.iterdir())]

    async def data_left(self, system: str) -> Sequence[str]:
        return [str(path) for path in self.data_directories(system)]

    async def close(self) -> None:
        """Nothing is held open."""

    async def purge(self, system: str) -> None:
        if self.controller_pid(system) is not None or await self.store.get(system) is not None:
            raise TargetError(f"{system} has not been deleted; delete it first")
        shutil.rmtree(self._state.system(system).root, ignore_errors=True)

    def _spawn(self, system: str, log: Path) -> subprocess.Popen[bytes]:
        output = open_log(log)
        inherited = os.environ.get("PYTHONPATH")
        path = f"{_SOURCE}{os.pathsep}{inherited}" if inherited else str(_SOURCE)
        try:
            return subprocess.Popen(  # noqa: S603 - no shell; a system name is a DNS label
                [sys.executable, "-m", "controller.cli.main", "controller", "--only", system],
                # Python looks for modules in the working directory first: in a person's there may be anything.
                cwd=self._state.root,
                env={**os.environ, VARIABLE: str(self._state.root), "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(output)


def open_session(state_dir: Path | None = None) -> LocalSession:
    """The state directory, by default that of the environment. It is made when something is first written."""
    chosen = state_dir if state_dir is not None else default_state_dir()
    return LocalSession(StateDir(chosen.expanduser().absolute()))


async def open_for(*, state_dir: Path, **_: object) -> LocalSession:
    """What the command line opens; the rest of its choices are for other targets."""
    return open_session(state_dir)


async def _until(loop: Loop, stopped: asyncio.Event) -> None:
    """Runs the loop until the event is set or it ends by itself."""
    running = asyncio.create_task(loop.run())
    waiting = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, waiting):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(running, waiting, return_exceptions=True)
