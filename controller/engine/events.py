"""Which events a pass gives rise to. Pure: they are told from what changed, so that looking twice tells nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from controller.engine.model import Action, Event, Health, Observed, Step
from controller.engine.reasons import Reason

NORMAL = "Normal"
WARNING = "Warning"

_REASONS = {
    Action.CREATE_SECRET: Reason.SECRET_CREATED,
    Action.RENEW_SECRET: Reason.SECRET_RENEWED,
    Action.RUN_JOB: Reason.JOB_STARTED,
    Action.START: Reason.STARTED,
    Action.RESTART: Reason.RESTARTED,
    Action.STOP: Reason.STOPPING,
    Action.FORGET: Reason.FORGOTTEN,
    Action.APPLY: Reason.APPLIED,
    Action.PRUNE: Reason.PRUNED,
}


def of_step(step: Step, now: float) -> Event:
    """A step that was carried out: every start, restart and stop has its reason on record."""
    subject = step.instance or step.workload
    return Event(now, NORMAL, _REASONS[step.action], f"{subject}: {step.reason}", step.workload)


def of_changes(observed: Observed, known: Set[str], now: float) -> list[tuple[str, Event | None]]:
    """(mark, event) for what died, hangs or ended and is not among the `known` marks. A job's success is told only to who
    knows that it ran: a controller that is new finds the old successes without a word."""
    found: list[tuple[str, Event | None]] = []
    for item in observed.instances:
        mark = f"{item.id}/{item.health}"
        if item.health in {Health.EXITED, Health.FAILED} and mark not in known:
            text = f"{item.label}: {item.message or item.health}"
            found.append((mark, Event(now, WARNING, Reason.DIED, text, item.workload)))
    for run in observed.jobs:
        name = f"{run.workload}/{run.digest}/{run.attempt}"
        mark = f"{name}/{run.succeeded}"
        if mark in known:
            continue
        event = None
        if run.succeeded and f"{name}/None" in known:
            event = Event(now, NORMAL, Reason.JOB_SUCCEEDED, f"{run.workload} succeeded", run.workload)
        if run.succeeded is False:
            text = f"{run.workload} failed: {run.message}"
            event = Event(now, WARNING, Reason.JOB_FAILED, text, run.workload)
        found.append((mark, event))
    return found


def of_transitions(before: Mapping[str, Any], after: Mapping[str, Any], now: float) -> list[Event]:
    """Changes of the conditions Ready, Stalled and StoresReady between two status documents."""
    old = {item.get("type"): item for item in before.get("conditions", ())}
    found = []
    for item in after.get("conditions", ()):
        previous = old.get(item["type"], {})
        if item["type"] not in {"Ready", "Stalled", "StoresReady"}:
            continue
        if (previous.get("status"), previous.get("reason")) == (item["status"], item["reason"]):
            continue
        if item["type"] == "Ready" and item["status"] == "True":
            found.append(Event(now, NORMAL, item["reason"], item["message"]))
        if item["type"] == "StoresReady":
            bad, was_bad = item["status"] == "False", previous.get("status") == "False"
            warns = item["status"] == "True" and item["reason"] != Reason.HEALTHY
            if bad or warns:
                found.append(Event(now, WARNING, item["reason"], item["message"]))
            elif was_bad and item["status"] == "True":
                found.append(Event(now, NORMAL, Reason.STORES_READY, item["message"]))
        if item["type"] == "Stalled" and item["status"] == "True":
            found.append(Event(now, WARNING, item["reason"], item["message"]))
    return found
