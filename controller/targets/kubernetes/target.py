"""The Kubernetes target: systems run as objects of a cluster, and the cluster keeps their replicas."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.engine.model import Observed, Step
from controller.engine.ports import TargetError
from controller.targets.kubernetes import addresses, jobs, logs, secrets
from controller.targets.kubernetes.apply import Applier
from controller.targets.kubernetes.cache import System
from controller.targets.kubernetes.changes import Changes
from controller.targets.kubernetes.client import Client, Fence
from controller.targets.kubernetes.errands import run_once
from controller.targets.kubernetes.feed import Feed
from controller.targets.kubernetes.given import Given, remedy
from controller.targets.kubernetes.inventory import is_leaving
from controller.targets.kubernetes.kinds import DATA, SERVICE_MONITOR, SYSTEM, kind_of
from controller.targets.kubernetes.made import Made
from controller.targets.kubernetes.observe import observed
from controller.targets.kubernetes.place import Place
from controller.targets.kubernetes.render.manifest import Rendering
from controller.targets.kubernetes.render.surroundings import Surroundings
from controller.targets.kubernetes.warnings import Warnings


class KubernetesTarget:
    """Implements Target on an API server."""

    name = "kubernetes"

    def __init__(self, client: Client, feed: Feed, place: Place, fence: Fence, changes: Changes) -> None:
        self._client = client
        self._feed = feed
        self._place = place
        self._fence = fence
        self._changes = changes
        self._given = Given(client)
        self._made = Made()
        self._warnings = Warnings(client)

    def blueprint(self, document: Mapping[str, Any]) -> Blueprint:
        return self._made.blueprint(document)

    async def acquire(self, system: str) -> bool:
        return self._fence.remaining() > 0

    async def release(self, system: str) -> None:
        place = self._place.system(system)
        self._given.forget(place)
        self._made.forget(place)

    async def observe(self, system: str, blueprint: Blueprint) -> Observed:
        place = self._place.system(system)
        await self._feed.refresh(place)
        rendering = await self._rendering(place, blueprint)
        items = self._feed.cache.of(place)
        warnings = await self._warnings.about(items)
        found = observed(blueprint, rendering, items, time.time(), warnings)
        given = await self._given.of(place, blueprint.secrets)
        return replace(found, secrets={**found.secrets, **{name: item.keys for name, item in given.items()}})

    async def execute(self, system: str, blueprint: Blueprint, step: Step) -> None:
        place = self._place.system(system)
        rendering = await self._rendering(place, blueprint)
        given = await self._given.of(place, blueprint.secrets)
        await Applier(self._client, self._feed.cache, place, blueprint, rendering, given).execute(step)

    async def run_once(self, system: str, workload: Workload, *, timeout: float) -> str:
        place = self._place.system(system)
        blueprint = self.blueprint(await self._document(place))
        surroundings = await self._surroundings(place, blueprint)
        return await run_once(self._client, blueprint, surroundings, workload, timeout)

    async def run_beside(self, system: str, hosting: Workload, arguments: Sequence[str], *, timeout: float) -> str:
        """Runs the program of a service with these arguments, told of the stores what the service is told."""
        environment = {name: text for name, text in hosting.environment.items() if "{port:" not in text}
        errand = replace(
            hosting, name="administration", kind=Kind.JOB, arguments=tuple(arguments), environment=environment, ports=()
        )
        return await self.run_once(system, errand, timeout=timeout)

    def secret_remedy(self, system: str, name: str, keys: Sequence[str]) -> str:
        return remedy(self._place.system(system), name, keys)

    async def dispose(self, system: str, *, keep_data: bool) -> None:
        if keep_data:
            return
        for item in self._feed.cache.of(self._place.system(system)):
            if kind_of(item) in DATA and not is_leaving(item):
                await self._client.delete(item)

    async def watch(self) -> AsyncIterator[str]:
        async for system in self._changes.follow():
            yield self._place.key(system)

    async def logs(
        self, system: str, component: str | None = None, *, follow: bool = False, tail: int = 100
    ) -> AsyncIterator[tuple[str, str]]:
        async for source, line in logs.read(self._client, self._place.system(system), component, follow, tail):
            yield source, line

    def endpoints(self, document: Mapping[str, Any]) -> Sequence[str]:
        declared = self._made.system(document)
        namespace = declared.metadata.namespace or self._place.namespace or "default"
        return addresses.of(declared, namespace, self._feed.cache.of((namespace, declared.name)))

    async def _rendering(self, place: System, blueprint: Blueprint) -> Rendering:
        """What is to be there. What is suspended is not, but the edge stays, so that addresses do not change."""
        if blueprint.declaration is None:
            return Rendering(())
        surroundings = await self._surroundings(place, blueprint)
        every = self._made.rendering(place, blueprint, surroundings)
        suspended = {workload.name for workload in blueprint.workloads if workload.replicas == 0}
        return Rendering(tuple(group for group in every.groups if group.name not in suspended))

    async def _surroundings(self, place: System, blueprint: Blueprint) -> Surroundings:
        items = self._feed.cache.of(place)
        given = await self._given.of(place, blueprint.secrets)
        return Surroundings(
            namespace=place[0],
            secrets=secrets.objects(items),
            fingerprints={name: item.fingerprint for name, item in given.items()},
            owner_uid=await self._uid(place, blueprint),
            attempts=jobs.attempts(items, blueprint),
            monitoring=self._feed.has(SERVICE_MONITOR),
        )

    async def _uid(self, place: System, blueprint: Blueprint) -> str:
        """Of the ChatSystem. A declaration that comes from a file does not know it."""
        if blueprint.declaration is not None and blueprint.declaration.metadata.uid:
            return blueprint.declaration.metadata.uid
        live = await self._client.get(SYSTEM, *place)
        return str(live["metadata"]["uid"]) if live is not None else ""

    async def _document(self, place: System) -> Mapping[str, Any]:
        live = await self._client.get(SYSTEM, *place)
        if live is None:
            raise TargetError(f"there is no system named {place[1]}", retryable=False)
        return {key: value for key, value in live.items() if key != "status"}
