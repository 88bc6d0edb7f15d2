"""The status document, as controller.api describes it, from the situation of a pass. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controller.blueprint.workload import Kind, Workload
from controller.engine.conditions import Condition, conditions_of
from controller.engine.model import Health, Instance, Revision, StoreHealth, Verdict
from controller.engine.situation import Situation, troubles

SHOWN_REVISIONS = 10


def status_of(situation: Situation, now: float) -> dict[str, Any]:
    """`now` in Unix seconds. Equal situations give equal documents: times change only where a condition does."""
    conditions = conditions_of(situation)
    good = [revision.number for revision in situation.revisions if revision.verdict is Verdict.RELEASED]
    found = [] if situation.stopped else troubles(situation)
    components = [_store(store) for store in situation.observed.stores]
    components += [row for workload in situation.blueprint.workloads for row in _rows(workload, situation)]
    gateways = [item for item in situation.observed.instances if "gateway" in item.components and _healthy(item)]
    return {
        "observedGeneration": situation.generation,
        "phase": phase(situation),
        "version": _serving(situation),
        "conditions": [_dated(condition, situation, now) for condition in conditions],
        "components": components,
        "addresses": list(situation.addresses),
        "revisions": [_revision(item) for item in reversed(situation.revisions[-SHOWN_REVISIONS:])],
        "lastGoodRevision": max(good, default=None),
        "gatewayReplicas": len(gateways),
        "lastError": found[0].message if found else "",
    }


def phase(situation: Situation) -> str:
    """The state in one sentence."""
    if situation.stopped:
        return "Stopped; the data is kept"
    if situation.paused:
        return "Paused: nothing is changed until it is resumed"
    if situation.problems:
        return "The declaration is not valid; what runs is left as it is"
    if situation.deleting:
        return "Being deleted"
    lasting = [trouble for trouble in troubles(situation) if trouble.lasting]
    if lasting:
        return f"Stalled: {lasting[0].message}"[:300]
    if situation.suspended:
        return "Suspended; the data is kept" if situation.converged else "Being suspended"
    if situation.converged:
        return "Running"
    step = next(iter((*situation.plan.actions, *situation.plan.waits)), None)
    return f"Converging: {step.reason}" if step else "Converging"


def _store(store: StoreHealth) -> dict[str, Any]:
    """An external store. It counts as ready when it could be used."""
    ready = store.checked and store.error is None
    message = store.findings[0].sentence if store.findings else store.failure
    if not store.checked and not message:
        message = "it has not been checked yet"
    return {"name": store.name, "version": store.server, "desired": 1, "ready": int(ready), "message": message}


def _rows(workload: Workload, situation: Situation) -> list[dict[str, Any]]:
    if workload.kind is Kind.JOB:
        run = next((run for run in situation.observed.jobs if run.workload == workload.name), None)
        done = run is not None and run.digest == workload.digest and run.succeeded is True
        message = "" if done or run is None else run.message or ("is running" if run.succeeded is None else "failed")
        row = {"desired": min(workload.replicas, 1), "ready": int(done), "message": message}
        return [{"name": workload.name, "version": workload.version if done else "", **row}]
    rows = []
    for component in workload.components:
        hosts = situation.hosts(workload, component)
        healthy = [item for item in hosts if _healthy(item)]
        versions = {item.version for item in healthy}
        rows.append(
            {
                "name": component,
                "version": versions.pop() if len(versions) == 1 else "",
                "desired": workload.replicas,
                "ready": len(healthy),
                "message": next((item.message for item in hosts if not _healthy(item) and item.message), ""),
            }
        )
    return rows


def _serving(situation: Situation) -> str:
    """The version that people use: the one of all healthy services, or nothing while there are two."""
    stores = {workload.name for workload in situation.blueprint.workloads if workload.kind is Kind.STORE}
    versions = {
        item.version
        for item in situation.observed.instances
        if _healthy(item) and item.version and item.workload not in stores
    }
    return versions.pop() if len(versions) == 1 else ""


def _healthy(item: Instance) -> bool:
    return item.health is Health.HEALTHY


def _dated(condition: Condition, situation: Situation, now: float) -> dict[str, Any]:
    before: Mapping[str, Any] = next(
        (old for old in situation.previous.get("conditions", ()) if old.get("type") == condition.type), {}
    )
    unchanged = before.get("status") == condition.status and before.get("lastTransitionTime")
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": str(condition.reason),
        "message": condition.message,
        "lastTransitionTime": before["lastTransitionTime"] if unchanged else timestamp(now),
        "observedGeneration": situation.generation,
    }


def _revision(item: Revision) -> dict[str, Any]:
    spec = item.document.get("spec")
    return {
        "number": item.number,
        "generation": item.generation,
        "version": str(spec.get("version", "")) if isinstance(spec, Mapping) else "",
        "time": timestamp(item.time),
        "verdict": str(item.verdict),
        "message": item.message or item.summary,
    }


def timestamp(seconds: float) -> str:
    """RFC 3339, in whole seconds, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
