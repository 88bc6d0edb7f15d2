"""Carries out the steps of a plan on the API server: what is not as declared is sent, nothing else.

An object is first looked at as it is now: one that is not ours is never touched, and neither is one whose change would lose
data. Writes go out by server-side apply, so fields that others own stay theirs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.engine.model import Action, Standing, Step
from controller.engine.ports import TargetError
from controller.engine.reasons import Reason
from controller.targets.kubernetes import given, jobs, refusals, secrets
from controller.targets.kubernetes.cache import Cache, System
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.errors import Refused
from controller.targets.kubernetes.given import Facts
from controller.targets.kubernetes.inventory import INSTANCE, is_leaving, is_ours, key_of, labels_of, part_of, stamped
from controller.targets.kubernetes.kinds import DATA, JOB, RENDERED, SERVICE, STATEFUL_SET, Object, kind_of
from controller.targets.kubernetes.observe import compared
from controller.targets.kubernetes.render.manifest import Group, Rendering
from controller.targets.kubernetes.scaling import with_replicas


@dataclass(frozen=True)
class Applier:
    """One system in its namespace. `rendering` is what it is to be, with the secrets and job runs as they are now."""

    client: Client
    cache: Cache
    system: System
    blueprint: Blueprint
    rendering: Rendering
    given: Mapping[str, Facts]
    """The secrets that a person provides, as far as they are there."""

    async def execute(self, step: Step) -> None:
        """Raises TargetError."""
        match step.action:
            case Action.CREATE_SECRET | Action.RENEW_SECRET:
                await self._make_secret(step.workload)
            case Action.APPLY | Action.RUN_JOB:
                await self._apply(step.workload)
            case Action.PRUNE:
                for item in self._surplus(step.workload):
                    await self.client.delete(item)
            case _:
                raise TargetError(f"{step.action} is not for Kubernetes", retryable=False)

    async def _make_secret(self, name: str) -> None:
        secret = next(item for item in self.blueprint.secrets if item.name == name)
        namespace, system = self.system
        for manifest in secrets.successors(system, namespace, secret, self.cache.of(self.system), time.time()):
            await self._send(manifest, None)

    async def _apply(self, name: str) -> None:
        order, group = next((at, group) for at, group in enumerate(self.rendering.groups) if group.name == name)
        workload = self.blueprint.workload(name)
        if workload is not None:
            self._require_secrets(workload)
        for manifest in group.manifests:
            kind = kind_of(manifest)
            live = self.cache.get(self.system, kind, manifest["metadata"]["name"])
            if compared(manifest, live).standing is Standing.APPLIED:
                continue
            more = jobs.marks(workload.digest, self._attempt(workload)) if kind == JOB and workload else {}
            await self._send(with_replicas(stamped(manifest, name, order, more), live, workload), live)

    def _attempt(self, workload: Workload) -> int:
        return jobs.attempts(self.cache.of(self.system), self.blueprint)[workload.name]

    async def _send(self, manifest: Mapping[str, Any], live: Object | None) -> None:
        kind, metadata = kind_of(manifest), manifest["metadata"]
        if live is None:
            # The cache knows only what is labelled as ours: a stranger's object is seen by its name alone.
            live = await self.client.get(kind, metadata["namespace"], metadata["name"])
        if live is not None:
            self._refuse_foreign(live)
            if is_leaving(live):
                return  # It is made anew once it is gone; a change of it would be lost.
            problem = refusals.loss(manifest, live)
            if problem:
                raise TargetError(problem, reason=Reason.IMMUTABLE, retryable=False)
        try:
            self.cache.put(await self.client.apply(manifest, force=live is not None))
        except Refused as error:
            await self._make_anew(manifest, live, error)

    async def _make_anew(self, manifest: Mapping[str, Any], live: Object | None, error: Refused) -> None:
        """Where the API server refuses the change and the object can be replaced without losing anything, it is replaced: pods
        of a StatefulSet go on running without it, a Service has nothing to lose."""
        kind = kind_of(manifest)
        if live is None and error.status == 409 and "conflict with" in str(error):
            raise TargetError(refusals.taken(manifest, "it was made just now"), reason=Reason.NAME_TAKEN) from None
        if live is None or error.reason != Reason.IMMUTABLE or kind not in {STATEFUL_SET, SERVICE}:
            raise error
        await self.client.delete(live, propagation="Orphan" if kind == STATEFUL_SET else "Background")
        self.cache.drop(live)
        self.cache.put(await self.client.apply(manifest))

    def _surplus(self, name: str) -> list[Object]:
        """What the declaration does not ask for and is of the group; of a group that is not declared, all of it."""
        items = self.cache.of(self.system)
        mine = [
            item
            for item in items
            if kind_of(item) in RENDERED
            and kind_of(item) not in DATA
            and part_of(item)[0] == name
            and not is_leaving(item)
        ]
        declared = [group for group in self.rendering.groups if group.manifests]
        kept = {key_of(manifest) for group in declared for manifest in group.manifests}
        if (group := self._group_of_job(name)) is not None:
            kept |= jobs.kept(mine, group.manifests)
        doomed = [item for item in mine if key_of(item) not in kept]
        if declared and declared[0].name == name:
            doomed += [item for item in secrets.superseded(items) if not is_leaving(item)]
        return doomed

    def _group_of_job(self, name: str) -> Group | None:
        workload = self.blueprint.workload(name)
        return self.rendering.group(name) if workload is not None and workload.kind is Kind.JOB else None

    def _require_secrets(self, workload: Workload) -> None:
        """A pod whose secret is missing would not start, and would not say why."""
        have = {name: set(keys) for name, keys in secrets.existing(self.cache.of(self.system)).items()}
        have |= {name: set(facts.keys) for name, facts in self.given.items()}
        for secret in self.blueprint.secrets:
            used = {key for name, key in workload.secrets.values() if name == secret.name}
            missing = sorted(used - have.get(secret.name, set()))
            if missing:
                remedy = (
                    "it is made in the next pass"
                    if secret.generated
                    else given.remedy(self.system, secret.name, missing)
                )
                raise TargetError(
                    f"the secret {secret.name} lacks {', '.join(missing)}; {remedy}", reason=Reason.SECRET_MISSING
                )

    def _refuse_foreign(self, live: Object) -> None:
        if not is_ours(live, self.system[1]):
            owner = labels_of(live).get(INSTANCE)
            whose = f"it belongs to {owner}" if owner else "this controller did not make it"
            raise TargetError(refusals.taken(live, whose), reason=Reason.NAME_TAKEN)
