"""Looks after the records: what became of each process since the last look. Only the controller that drives the system may.

An instance that was asked to stop and is gone is forgotten; one that takes longer than its grace is killed; one that ended
unasked is noted, with its exit code, its last words and the time at which it may be started again.
"""

from __future__ import annotations

import contextlib
import signal
from dataclasses import replace

from controller.engine.backoff import RESTARTS, SETTLED_AFTER
from controller.targets.local import identity, records
from controller.targets.local.identity import Children, explain, is_alive
from controller.targets.local.layout import SystemPaths
from controller.targets.local.logs import last_words
from controller.targets.local.records import JobRecord, Record


def attend(paths: SystemPaths, children: Children, now: float) -> None:
    """`now` in Unix seconds."""
    children.collect()
    for record in records.load_instances(paths):
        after = _instance(paths, record, children, now)
        if after is None:
            records.drop_instance(paths, record.id)
            (paths.run / f"{record.id}.conf").unlink(missing_ok=True)
        elif after != record:
            records.save_instance(paths, after)
    for instance in records.damaged_instances(paths):
        _bury(paths, instance)
    for job in records.load_jobs(paths):
        done = _job(paths, job, children, now)
        if done != job:
            records.save_job(paths, done)


def _bury(paths: SystemPaths, instance: str) -> None:
    """Ends what nothing is known of but its id, so that its ports and data are free for a successor."""
    process = identity.find(instance)
    if process is None:
        records.drop_instance(paths, instance)
    else:
        identity.send(process, signal.SIGKILL, group=True)


def _instance(paths: SystemPaths, record: Record, children: Children, now: float) -> Record | None:
    if record.exited_at is not None:
        # A longer wait than the longest back-off comes of a clock that was set back.
        return replace(record, retry_at=min(record.retry_at, now + RESTARTS.limit))
    if record.identity is None:
        # Its start was cut off: it may run, but nobody wrote down under which number.
        record = replace(record, identity=identity.find(record.id))
    if record.identity is not None and is_alive(record.identity):
        if record.stopping_at is not None and record.stopping_at > now:
            return replace(record, stopping_at=now)  # The clock was set back: its grace begins anew.
        if record.stopping_at is not None and now > record.stopping_at + record.stop_grace:
            identity.send(record.identity, signal.SIGKILL, group=True)
        return record
    if record.stopping_at is not None:
        return None
    code = children.code(record.identity.pid) if record.identity else None
    # Whoever is killed has nothing to say about it.
    words = "" if code == -signal.SIGKILL else last_words(paths.log(record.workload, record.index))
    deaths = 1 if now - record.spawned_at > SETTLED_AFTER else record.restarts + 1
    return replace(
        record,
        exited_at=now,
        restarts=deaths,
        retry_at=now + RESTARTS.delay(deaths),
        message=f"{explain(code)}{f'; its last output: {words}' if words else ''}",
    )


def _job(paths: SystemPaths, job: JobRecord, children: Children, now: float) -> JobRecord:
    if job.succeeded is not None:
        return replace(job, retry_at=min(job.retry_at, now + RESTARTS.limit))
    if job.identity is None:
        job = replace(job, identity=identity.find(job.id))
    late = job.deadline is not None and now > job.deadline
    if job.identity is not None and is_alive(job.identity):
        if late:
            identity.send(job.identity, signal.SIGKILL, group=True)
        return job
    code = children.code(job.identity.pid) if job.identity else None
    with contextlib.suppress(OSError, ValueError):
        code = int(records.exit_file(paths, job.workload).read_text())
    if code == 0:
        return replace(job, succeeded=True, message="")
    words = last_words(paths.log(job.workload, 0))
    why = "it took too long and was ended" if late else explain(code)
    message = f"{why}{f'; its last output: {words}' if words else ''}"
    return replace(job, succeeded=False, retry_at=now + RESTARTS.delay(job.attempt + 1), message=message)
