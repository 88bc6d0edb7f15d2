"""A part of a system where the platform keeps the replicas: when to apply its objects, and what to wait for. Pure.

The platform starts, restarts and replaces instances by itself, so only three things are left to decide: a group that has
never been applied, or not as declared now, is applied once what it depends on is served; one that someone has changed is
applied at once, because its instances run already; one that is applied is waited for.
"""

from __future__ import annotations

from controller.engine.decision import Decision
from controller.engine.model import Action, Group, Standing, Step


def agree(group: Group, obstacle: str) -> Decision:
    """The next step of a group that is declared. `obstacle` names an unmet dependency."""
    name = group.name
    match group.standing:
        case Standing.MISSING | Standing.OUTDATED if obstacle:
            return _wait(name, f"{name} waits for {obstacle}")
        case Standing.MISSING | Standing.OUTDATED | Standing.DRIFTED:
            return Decision((Step(Action.APPLY, name, reason=group.details or f"it is {group.standing}"),))
        case Standing.APPLIED if not group.ready:
            why = f": {group.message}" if group.message else ""
            return _wait(name, f"waits until {name} is ready{why}")
    return Decision()


def removal(groups: tuple[Group, ...]) -> Decision:
    """What is too much goes: of declared groups at once, then undeclared groups, one at a time from the last to the first."""
    steps = [
        Step(Action.PRUNE, group.name, reason=f"{', '.join(group.surplus)}: not desired")
        for group in groups
        if group.surplus and group.standing is not Standing.UNWANTED
    ]
    doomed = [group for group in groups if group.standing is Standing.UNWANTED]
    if not doomed:
        return Decision(tuple(steps))
    last = max(doomed, key=lambda group: group.order)
    if last.surplus:
        steps.append(Step(Action.PRUNE, last.name, reason="it is not desired"))
    return Decision(tuple(steps), (Step(Action.WAIT, last.name, reason=f"waits until {last.name} is gone"),))


def _wait(name: str, reason: str) -> Decision:
    return Decision(waits=(Step(Action.WAIT, name, reason=reason),))
