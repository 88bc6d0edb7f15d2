"""Jobs in the engine's words. A run is an object of its own, named by what it runs and its number; the older ones are kept until
the next has succeeded, so that their logs can be read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.api.metadata import GROUP
from controller.blueprint.workload import Blueprint, Kind
from controller.engine.backoff import RESTARTS
from controller.engine.model import JobRun
from controller.targets.kubernetes.inventory import Key, annotations_of, is_leaving, key_of, part_of
from controller.targets.kubernetes.kinds import JOB, POD, Manifest, Object, kind_of
from controller.targets.kubernetes.pods import ailment_of, last_words, seconds

DIGEST = f"{GROUP}/digest"
"""Annotation: the digest of the workload that was run."""
ATTEMPT = f"{GROUP}/attempt"


def runs(items: Iterable[Object], blueprint: Blueprint, now: float) -> tuple[JobRun, ...]:
    """The newest run of each job. `now` in Unix seconds."""
    every = list(items)
    newest: dict[str, Object] = {}
    for job in sorted(_jobs(every), key=_age):
        newest[part_of(job)[0]] = job
    wanted = {item.name for item in blueprint.workloads if item.kind is Kind.JOB}
    return tuple(_run(name, job, every, now) for name, job in newest.items() if name in wanted)


def kept(items: Iterable[Object], manifests: Sequence[Manifest]) -> set[Key]:
    """What stays of a job: its newest run, and what belongs to it."""
    jobs = sorted(_jobs(items), key=_age)
    names = {key_of(manifest) for manifest in manifests if kind_of(manifest) != JOB}
    return names | {key_of(job) for job in jobs[-1:]}


def attempts(items: Iterable[Object], blueprint: Blueprint) -> dict[str, int]:
    """The number that the next run of each job gets."""
    jobs = _jobs(items)
    return {
        workload.name: 1
        + max((_attempt(job) for job in jobs if _is_run_of(job, workload.name, workload.digest)), default=0)
        for workload in blueprint.workloads
        if workload.kind is Kind.JOB
    }


def marks(digest: str, attempt: int) -> dict[str, str]:
    """The annotations of a run."""
    return {DIGEST: digest, ATTEMPT: str(attempt)}


def _run(name: str, job: Object, items: Iterable[Object], now: float) -> JobRun:
    attempt = _attempt(job)
    digest = annotations_of(job).get(DIGEST, "")
    done, failed = _condition(job, "Complete"), _condition(job, "Failed")
    if done:
        return JobRun(name, digest, True, attempt)
    pods = [item for item in items if kind_of(item) == POD and _owner(item) == job["metadata"].get("uid")]
    if failed:
        said = next((text for pod in reversed(pods) if (text := last_words(pod))), "")
        why = str(failed.get("message") or failed.get("reason") or "it failed")
        retry_at = seconds(failed.get("lastTransitionTime")) + RESTARTS.delay(attempt + 1)
        return JobRun(name, digest, False, attempt, retry_at, f"{why}; {said}" if said else why)
    ailing = next((ailment for pod in pods if (ailment := ailment_of(pod, now))), None)
    return JobRun(name, digest, None, attempt, message=ailing.message if ailing else "")


def _jobs(items: Iterable[Object]) -> list[Object]:
    return [item for item in items if kind_of(item) == JOB and not is_leaving(item)]


def _age(job: Object) -> tuple[str, int, str]:
    metadata = job["metadata"]
    return metadata.get("creationTimestamp", ""), _attempt(job), metadata["name"]


def _attempt(job: Object) -> int:
    text = annotations_of(job).get(ATTEMPT, "")
    return int(text) if text.isdecimal() else 1


def _is_run_of(job: Object, name: str, digest: str) -> bool:
    return part_of(job)[0] == name and annotations_of(job).get(DIGEST) == digest


def _condition(job: Object, type_: str) -> Mapping[str, Any] | None:
    conditions = job.get("status", {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == type_ and item.get("status") == "True"), None)


def _owner(pod: Object) -> str | None:
    return next((owner.get("uid") for owner in pod["metadata"].get("ownerReferences") or ()), None)
