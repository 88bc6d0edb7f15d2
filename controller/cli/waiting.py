"""Waits until a system is as wished, reporting on the way. The decisions are in `verdict`; this polls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from controller.cli.failure import DONE, TIMED_OUT
from controller.cli.session import Session
from controller.cli.status_view import View, view
from controller.cli.verdict import Goal, Outcome, judge

LASTING = 2.0  # seconds that a failure has to last, so that a replica that needed a second try is none
WITHOUT_CONTROLLER = 3.0  # seconds after which nobody will do anything


@dataclass(frozen=True)
class Waited:
    outcome: Outcome
    system: View | None


async def wait_for(
    session: Session,
    name: str,
    goal: Goal,
    timeout: float,
    *,
    report: Callable[[View], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Waited:
    """Returns when the goal is reached, cannot be reached, or `timeout` seconds are over."""
    begin = clock()
    failing: tuple[str, float] | None = None
    driven = begin
    while True:
        stored = await session.store.get(name)
        system = view(stored) if stored is not None else None
        if system is not None:
            report(system)
        outcome = judge(system, goal)
        now = clock()
        if outcome is None:
            failing = None
        elif outcome.settled:
            if outcome.exit_code != DONE or goal != "ready" or await is_converged(session, name):
                return Waited(outcome, system)
        else:
            failing = failing if failing else (outcome.message, now)
            if now - failing[1] >= LASTING:
                return Waited(outcome, system)
        if await session.driver(name) is not None:
            driven = now
        elif now - driven >= WITHOUT_CONTROLLER and system is not None:
            text = f"no controller drives it, so nothing changes; start one with: chatsystem controller --only {name}"
            return Waited(Outcome(1, text), system)
        if now - begin >= timeout:
            return Waited(Outcome(TIMED_OUT, _too_slow(system, goal, timeout)), system)
        await asyncio.sleep(session.poll)


async def is_converged(session: Session, name: str) -> bool:
    """Looks at what runs, not at the status: after a crash of the machine a status can tell of better days."""
    from controller.engine.planner import plan

    stored = await session.store.get(name)
    if stored is None:
        return False
    blueprint = session.target.blueprint(stored.document)
    observed = await session.target.observe(name, blueprint)
    return plan(blueprint, observed, time.time()).empty


def _too_slow(system: View | None, goal: Goal, timeout: float) -> str:
    waited = f"not {goal} after {timeout:g} s"
    if system is None:
        return waited
    late = [
        f"{item.name} ({item.message or f'{item.ready}/{item.desired} ready'})"
        for item in system.components
        if item.ready < item.desired
    ]
    details = f": {', '.join(late)}" if late else f": {system.last_error or system.phase}"
    return f"{waited}{details}; chatsystem status {system.name} shows more"
