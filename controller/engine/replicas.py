"""The replicas of one workload where the engine keeps them: what to start, restart and stop next. Pure.

An instance is current when it was started from the desired digest, outdated otherwise. With nothing outdated, what is
missing is started and what is too much is stopped. With something outdated, one instance gives way at a time, and never
before the successor of the last one is healthy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.blueprint.workload import Update, Workload
from controller.engine.decision import Decision
from controller.engine.model import Action, Health, Instance, Step


@dataclass(frozen=True)
class _Group:
    """The instances of one workload, sorted out. `obstacle` names an unmet dependency: it forbids starts."""

    workload: Workload
    current: tuple[Instance, ...]
    dead: tuple[Instance, ...]  # current ones that ended and are still needed
    outdated: tuple[Instance, ...]
    leaving: tuple[Instance, ...]
    obstacle: str
    now: float

    @property
    def missing(self) -> int:
        return self.workload.replicas - len(self.current) - len(self.outdated) - len(self.dead)

    def free_slots(self, count: int) -> list[int]:
        taken = {item.index for item in (*self.current, *self.outdated, *self.dead)}
        return [slot for slot in range(count + len(taken)) if slot not in taken][: max(count, 0)]


def roll(workload: Workload, instances: Sequence[Instance], obstacle: str, now: float) -> Decision:
    """The next steps of a workload with at least one replica."""
    live = [item for item in instances if item.health not in {Health.STOPPING, Health.EXITED}]
    current = tuple(item for item in live if item.digest == workload.digest)
    ended = sorted((item for item in instances if item.health is Health.EXITED), key=lambda item: item.index)
    keep = max(workload.replicas - len(current), 0)
    dead = tuple(item for item in ended if item.digest == workload.digest)[:keep]
    group = _Group(
        workload=workload,
        current=current,
        dead=dead,
        outdated=tuple(item for item in live if item.digest != workload.digest),
        leaving=tuple(item for item in instances if item.health is Health.STOPPING),
        obstacle=obstacle,
        now=now,
    )
    buried = Decision(tuple(_stop(item, "it has ended and is not needed") for item in ended if item not in dead))
    if not group.outdated:
        return buried + _scale(group)
    return buried + (_stop_first(group) if _exclusive(workload) else _start_first(group))


def _exclusive(workload: Workload) -> bool:
    """Whether an old and a new instance cannot live at the same time."""
    return workload.update is Update.STOP_FIRST or any(port.published and not port.shared for port in workload.ports)


def _scale(group: _Group) -> Decision:
    """Nothing is outdated: repair, fill up, or take away what is too much, the worst first."""
    surplus = len(group.current) - group.workload.replicas
    if surplus > 0:
        ranked = sorted(group.current, key=_worth)
        stops = tuple(_stop(item, _desired(group)) for item in ranked[:surplus])
        return Decision(stops) + _unhealthy(group, ranked[surplus:])
    return _unhealthy(group, group.current) + _revive(group) + _fill(group, group.missing, _desired(group))


def _start_first(group: _Group) -> Decision:
    hung = [item for item in group.outdated if item.health is Health.FAILED]
    if hung:
        return Decision(tuple(_stop(item, "it is outdated and does not answer") for item in hung)) + _replacing(group)
    if group.dead:
        return _revive(group)
    if any(item.health is not Health.HEALTHY for item in group.current):
        return _unhealthy(group, group.current)
    if group.missing < 0:
        victim = min(group.outdated, key=_worth)
        return Decision((_stop(victim, "its successor is healthy"),)) + _replacing(group)
    if group.obstacle:
        return _blocked(group)
    slot = min(item.index for item in group.outdated)
    return Decision((_start(group.workload, slot, "what runs is outdated"),)) + _replacing(group)


def _stop_first(group: _Group) -> Decision:
    if group.obstacle:
        return _blocked(group)
    if group.dead:
        return _revive(group)
    if any(item.health is not Health.HEALTHY for item in group.current):
        # The one before has to be well again before the next goes down.
        return _unhealthy(group, group.current)
    if group.missing > 0:
        return _fill(group, 1, "what ran was outdated")
    victim = min(group.outdated, key=_worth)
    return Decision((_stop(victim, "it is outdated"),)) + _replacing(group)


def _fill(group: _Group, count: int, reason: str) -> Decision:
    if count <= 0:
        return Decision()
    if group.obstacle:
        return _blocked(group)
    if _exclusive(group.workload) and group.leaving:
        # Its data and its ports are still held by the one that is going.
        return _wait(group.workload, f"{group.workload.name} waits until {group.leaving[0].id} has stopped")
    return Decision(tuple(_start(group.workload, slot, reason) for slot in group.free_slots(count)))


def _unhealthy(group: _Group, current: Sequence[Instance]) -> Decision:
    """Instances that run: hung ones are restarted, others are waited for."""
    decision = Decision()
    for item in current:
        match item.health:
            case Health.FAILED:
                decision += _again(group, item, "it does not answer")
            case Health.STARTING | Health.UNREADY:
                decision += _wait(group.workload, f"waits until {item.id} is ready")
            case _:
                continue
    return decision


def _revive(group: _Group) -> Decision:
    decision = Decision()
    for item in group.dead:
        decision += _again(group, item, "it has ended")
    return decision


def _again(group: _Group, item: Instance, why: str) -> Decision:
    if group.obstacle:
        return _blocked(group)
    if item.retry_at > group.now:
        wait = Step(Action.WAIT, item.workload, item.index, item.id, f"{item.id} is restarted after a back-off: {why}")
        return Decision(waits=(wait,), wakes=(item.retry_at,))
    return Decision((Step(Action.RESTART, item.workload, item.index, item.id, why),))


def _worth(item: Instance) -> tuple[int, int]:
    """What is stopped first compares lowest: the least healthy, then the highest slot."""
    rank = {Health.HEALTHY: 2, Health.UNREADY: 1}
    return rank.get(item.health, 0), -item.index


def _desired(group: _Group) -> str:
    count = group.workload.replicas
    return f"{count} {'replica is' if count == 1 else 'replicas are'} desired"


def _start(workload: Workload, index: int, reason: str) -> Step:
    return Step(Action.START, workload.name, index, reason=reason)


def _stop(item: Instance, reason: str) -> Step:
    return Step(Action.STOP, item.workload, item.index, item.id, reason)


def _wait(workload: Workload, reason: str) -> Decision:
    return Decision(waits=(Step(Action.WAIT, workload.name, reason=reason),))


def _blocked(group: _Group) -> Decision:
    return _wait(group.workload, f"{group.workload.name} waits for {group.obstacle}")


def _replacing(group: _Group) -> Decision:
    return _wait(group.workload, f"{group.workload.name} is being replaced")
