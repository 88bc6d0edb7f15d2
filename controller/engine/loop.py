"""The loop: observe, plan, apply, status, over and over. The thin shell around the pure half of the engine.

It is level-based: what woke it does not matter, a pass looks at everything. Systems are independent: each has its turn from
the queue, its own back-off and its own failures. Only one controller drives a system at a time; the target sees to that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from controller.blueprint.workload import Blueprint
from controller.engine import events, history
from controller.engine.backoff import Backoff
from controller.engine.model import Event, Observed, Plan, Revision, Step, Verdict
from controller.engine.observer import Ending, LoopObserver, Unobserved
from controller.engine.planner import plan as make_plan
from controller.engine.ports import InvalidDeclaration, Stored, SystemStore, Target, TargetError
from controller.engine.queue import WorkQueue
from controller.engine.reasons import Reason
from controller.engine.situation import Situation, Trouble, troubles
from controller.engine.status import status_of
from controller.engine.store_watch import StoreWatch

log = logging.getLogger(__name__)

MARKS_KEPT = 500
"""What was told of one system, so that it is not told again."""


@dataclass(frozen=True)
class Pace:
    """How often the loop looks, in seconds."""

    waiting: float = 1.0
    """While something is waited for; the target's watch mostly wakes it earlier."""
    resync: float = 30.0
    """At the latest, whether or not anything is known to have changed."""
    contended: float = 1.0
    """While another controller drives the system."""
    retry: Backoff = field(default_factory=lambda: Backoff(first=0.5, limit=30.0))
    stores: float = 30.0
    """Between two checks of the external stores, while all is well with them."""
    stores_retry: Backoff = field(default_factory=lambda: Backoff(first=1.0, limit=30.0))


class Loop:
    """Drives the systems of a store, or only those `names`. Then `run` ends once all of them are deleted."""

    def __init__(
        self,
        store: SystemStore,
        target: Target,
        *,
        names: Collection[str] | None = None,
        workers: int = 4,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
        observer: LoopObserver | None = None,
    ) -> None:
        self._store = store
        self._target = target
        self._names = None if names is None else frozenset(names)
        self._workers = workers
        self._pace = pace or Pace()
        self._clock = clock
        self._observer = observer or Unobserved()
        self._queue = WorkQueue(backoff=self._pace.retry, waited=self._observer.waited)
        self._stores = StoreWatch(target, self._queue.add, usual=self._pace.stores, retry=self._pace.stores_retry)
        self._seen: dict[str, dict[str, None]] = {}
        self._gone: set[str] = set()
        self._begun: dict[str, float] = {}
        self._finished = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled, or until every one of the `names` is gone."""
        for name in self._names or ():
            self._queue.add(name)
        tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        tasks += [asyncio.create_task(task()) for task in (self._follow_store, self._follow_target, self._resync)]
        finished = asyncio.create_task(self._finished.wait())
        try:
            done, _ = await asyncio.wait([*tasks, finished], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, finished):
                task.cancel()
            await asyncio.gather(*tasks, finished, return_exceptions=True)
            await self._stores.close()

    def longest_pass(self) -> float:
        """Seconds since the begin of the oldest pass that has not ended; 0 when none is under way."""
        return time.monotonic() - min(self._begun.values(), default=time.monotonic())

    def waiting(self) -> int:
        """How many systems are due and wait for a worker."""
        return self._queue.waiting()

    async def reconcile(self, name: str) -> float | None:
        """One pass over one system. Returns the seconds after which it wants to look again by itself, if at all. Raises
        TargetError when steps failed, after having said so in the status."""
        stored = await self._store.get(name)
        if stored is None:
            await self._forget(name)
            return None
        self._gone.discard(name)
        if not await self._target.acquire(name):
            self._stores.forget(name)
            return self._pace.contended
        if stored.deleting:
            return await self._delete(stored)
        await self._store.guard(stored)
        try:
            blueprint = self._target.blueprint(stored.document)
        except InvalidDeclaration as error:
            await self._report(stored, Blueprint(name), Observed(), problems=error.problems)
            return None
        revisions = await self._accept(stored)
        observed = await self._observe(name, blueprint)
        observed = replace(observed, stores=self._stores.look(name, blueprint, observed.secrets))
        await self._record_changes(name, observed)
        current = make_plan(blueprint, observed, self._clock())
        if stored.paused:
            await self._report(stored, blueprint, observed, plan=current, revisions=revisions)
            return None
        errors = await self._apply(name, blueprint, current)
        await self._report(stored, blueprint, observed, plan=current, revisions=revisions, errors=errors)
        return self._after(current, errors)

    async def stop(self, name: str) -> None:
        """Stops everything of a system, the last first, and keeps its declaration and data. Returns when all is stopped."""
        stored = await self._store.get(name)
        if stored is None or not await self._target.acquire(name):
            return
        try:
            blueprint = self._target.blueprint(stored.document)
        except InvalidDeclaration:
            blueprint = Blueprint(name)
        idle = replace(
            blueprint, workloads=tuple(replace(item, replicas=0) for item in blueprint.workloads), secrets=()
        )
        while True:
            observed = await self._target.observe(name, idle)
            # A migration is let finish: cut off, it would have to be begun again.
            if not observed.instances and all(run.succeeded is not None for run in observed.jobs):
                break
            for step in make_plan(idle, observed, self._clock()).actions:
                await self._target.execute(name, idle, step)
            await asyncio.sleep(0.05)
        await self._report(stored, idle, observed, stopped=True, revisions=await self._store.revisions(name))
        await self._target.release(name)

    async def _delete(self, stored: Stored) -> float | None:
        """Everything stops, the last first; then what the deletion policy does not keep is removed."""
        name, blueprint = stored.name, Blueprint(stored.name)
        self._stores.forget(name)
        observed = await self._target.observe(name, blueprint)
        spec = stored.document.get("spec")
        policy = spec.get("deletionPolicy", "Retain") if isinstance(spec, dict) else "Retain"
        if policy == "BackupThenDelete":
            text = (
                "spec.deletionPolicy is BackupThenDelete, but this version takes no backups on this target; nothing was "
                "removed. Set it to Retain or Delete"
            )
            trouble = Trouble(Reason.BACKUP_UNAVAILABLE, text)
            await self._report(stored, blueprint, observed, errors=(trouble,))
            return None
        current = make_plan(blueprint, observed, self._clock())
        if current.empty:
            await self._target.dispose(name, keep_data=policy != "Delete")
            await self._store.remove(name)
            await self._forget(name)
            return None
        errors = await self._apply(name, blueprint, current)
        await self._report(stored, blueprint, observed, plan=current, errors=errors)
        return self._after(current, errors)

    async def _observe(self, name: str, blueprint: Blueprint) -> Observed:
        """Raises TargetError, having said so: a status that cannot be brought up to date does not tell by itself."""
        try:
            return await self._target.observe(name, blueprint)
        except TargetError as error:
            if self._remember(name, str(error)):
                await self._store.record_event(name, Event(self._clock(), events.WARNING, error.reason, str(error)))
            raise

    async def _apply(self, name: str, blueprint: Blueprint, current: Plan) -> tuple[Trouble, ...]:
        """Carries out the steps. They do not depend on each other, so one that fails holds up none."""
        errors = []
        for step in current.actions:
            try:
                await self._target.execute(name, blueprint, step)
            except TargetError as error:
                errors.append(Trouble(error.reason, f"{step.workload}: {error}"))
            else:
                await self._store.record_event(name, self._event(step))
        return tuple(errors)

    def _event(self, step: Step) -> Event:
        return events.of_step(step, self._clock())

    def _after(self, current: Plan, errors: Sequence[Trouble]) -> float | None:
        if errors:
            raise TargetError("; ".join(error.message for error in errors))
        if current.actions:
            return 0.0
        if current.wake_at is not None:
            return max(min(current.wake_at - self._clock(), self._pace.waiting), 0.0)
        return self._pace.waiting if current.waits else None

    async def _accept(self, stored: Stored) -> list[Revision]:
        revisions = await self._store.revisions(stored.name)
        fresh = history.accept(revisions, stored.document, stored.generation, stored.author, self._clock())
        if not fresh:
            return revisions
        for revision in fresh:
            await self._store.record_revision(stored.name, revision)
        text = f"revision {fresh[-1].number}: {fresh[-1].summary}"
        await self._store.record_event(stored.name, Event(self._clock(), events.NORMAL, Reason.ACCEPTED, text))
        return await self._store.revisions(stored.name)

    async def _record_changes(self, name: str, observed: Observed) -> None:
        for mark, event in events.of_changes(observed, self._seen.get(name, {}).keys(), self._clock()):
            self._remember(name, mark)
            if event is not None:
                await self._store.record_event(name, event)

    async def _report(
        self,
        stored: Stored,
        blueprint: Blueprint,
        observed: Observed,
        *,
        plan: Plan | None = None,
        revisions: Sequence[Revision] = (),
        errors: tuple[Trouble, ...] = (),
        problems: tuple[str, ...] = (),
        stopped: bool = False,
    ) -> None:
        """Writes the status, the verdict on the newest revision, and events for what changed."""
        now = self._clock()
        last = revisions[-1] if revisions else None
        pending = last is not None and last.verdict in {Verdict.PENDING, Verdict.FAILED}
        situation = Situation(
            generation=stored.generation,
            document=stored.document,
            blueprint=blueprint,
            observed=observed,
            plan=plan or Plan(),
            problems=problems,
            errors=errors,
            paused=stored.paused,
            deleting=stored.deleting,
            stopped=stopped,
            overdue=pending and last is not None and now - last.time > blueprint.release_timeout,
            addresses=self._addresses(stored),
            previous=stored.status,
        )
        if last is not None and not stopped and not stored.paused:
            lasting = "; ".join(trouble.message for trouble in troubles(situation) if trouble.lasting)
            judged = history.judge(last, converged=situation.converged, failure=lasting, now=now)
            if judged != last:
                await self._store.record_revision(stored.name, judged)
            last = judged
        every = (*revisions[:-1], last) if last is not None else ()
        status = status_of(replace(situation, revision=last, revisions=every), now)
        self._observer.reported(stored.name, status)
        for event in events.of_transitions(stored.status, status, now):
            await self._store.record_event(stored.name, event)
        await self._store.write_status(stored.name, status)

    def _addresses(self, stored: Stored) -> tuple[str, ...]:
        try:
            return tuple(self._target.endpoints(stored.document))
        except InvalidDeclaration:
            return ()  # It may be stopped and deleted all the same.

    async def _forget(self, name: str) -> None:
        self._seen.pop(name, None)
        self._stores.forget(name)
        self._observer.forgotten(name)
        await self._target.release(name)
        self._gone.add(name)
        if self._names is not None and self._names <= self._gone:
            self._finished.set()

    async def _work(self) -> None:
        while True:
            name = await self._queue.take()
            self._begun[name] = time.monotonic()
            ending = Ending.CRASHED
            try:
                delay = await self.reconcile(name)
            except TargetError as error:
                ending = Ending.FAILED
                log.warning("%s: %s; next attempt in %.1f s", name, error, self._queue.retry(name))
            except Exception as error:  # an error in one system must not delay another
                log.exception("%s: the pass failed; next attempt in %.1f s", name, self._queue.retry(name))
                await self._complain(name, error)
            else:
                self._queue.forget(name)
                ending = Ending.SETTLED if delay is None else Ending.AGAIN
                if delay is not None:
                    self._queue.add(name, delay)
            finally:
                self._queue.done(name)
                seconds = time.monotonic() - self._begun.pop(name)
            self._observer.passed(name, ending, seconds)

    async def _complain(self, name: str, error: Exception) -> None:
        """Tells of a pass that failed for a reason of the controller's own, once until another one happens."""
        text = f"the controller failed: {type(error).__name__}: {error}; its log has the details"
        if not self._remember(name, text):
            return
        # The store itself may be what failed; the log has been written.
        with contextlib.suppress(OSError, KeyError):
            event = Event(self._clock(), events.WARNING, Reason.CONTROLLER_ERROR, text)
            await self._store.record_event(name, event)

    def _remember(self, name: str, mark: str) -> bool:
        """Whether the mark is new. The oldest ones are forgotten: a crash loop may go on for months."""
        seen = self._seen.setdefault(name, {})
        if mark in seen:
            return False
        seen[mark] = None
        if len(seen) > MARKS_KEPT:
            del seen[next(iter(seen))]
        return True

    def _wake(self, name: str) -> None:
        if self._names is None or name in self._names:
            self._queue.add(name)

    async def _follow_store(self) -> None:
        await self._follow(self._store.watch, self._observer.heard)

    async def _follow_target(self) -> None:
        await self._follow(self._target.watch)

    async def _follow(
        self, watch: Callable[[], AsyncIterator[str]], heard: Callable[[str], None] = lambda _: None
    ) -> None:
        """Wakes what a watch names. A watch that fails begins anew: it only makes things faster, and must not end the loop."""
        while True:
            try:
                async for name in watch():
                    heard(name)
                    self._wake(name)
            except Exception:
                log.exception("a watch failed and begins anew")
            await asyncio.sleep(self._pace.waiting)

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._pace.resync)
            try:
                for name in await self._store.names():
                    self._wake(name)
            except Exception:
                log.exception("the systems cannot be listed; the next resync tries again")
