"""The Kubernetes target for the command line: opens a cluster as a person, and runs the controller."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from controller.engine.ports import TargetError
from controller.targets.kubernetes.changes import Changes
from controller.targets.kubernetes.client import Client, Connection, Free, connect
from controller.targets.kubernetes.feed import Listed
from controller.targets.kubernetes.inventory import INSTANCE, SELECTOR, key_of, words
from controller.targets.kubernetes.kinds import CLAIM, LEASE, SECRET, Object
from controller.targets.kubernetes.lease import NAME
from controller.targets.kubernetes.operator import Options, operate
from controller.targets.kubernetes.place import Place
from controller.targets.kubernetes.pods import seconds
from controller.targets.kubernetes.store import KubernetesStore
from controller.targets.kubernetes.target import KubernetesTarget

PATIENCE = 180.0
"""Seconds for an answer of the services' program: a pod has to be started for it."""


class KubernetesSession:
    """Implements the command line's Session on one namespace."""

    poll = 1.0

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._client = Client(connection)
        place = Place(namespace)
        self.store = KubernetesStore(self._client, place)
        self.target = KubernetesTarget(self._client, Listed(self._client), place, Free(), Changes())

    async def driver(self, system: str) -> int | str | None:
        """Who holds a Lease that has not run out. Its controller may be in another namespace, which a person need not be allowed
        to look into; then nothing is known against it."""
        try:
            leases, _ = await self._client.list(LEASE, None, fields=f"metadata.name={NAME}")
        except TargetError as error:
            if getattr(error, "status", None) == 403:
                return "unknown"
            raise
        return next((str(lease["spec"]["holderIdentity"]) for lease in leases if _is_held(lease)), None)

    async def start_controller(self, system: str) -> None:
        """The cluster runs controllers, not a command."""

    async def drive(self, system: str, stopped: asyncio.Event, *, halt: bool) -> None:
        raise TargetError(
            f"a cluster runs the controller itself; keep {system} with `chatsystem apply` and wait with `chatsystem wait`",
            retryable=False,
        )

    async def run(
        self,
        names: Collection[str] | None,
        stopped: asyncio.Event,
        *,
        namespaces: Collection[str] = (),
        health_port: int = 0,
    ) -> None:
        await operate(self._connection, Options(tuple(namespaces), health_port=health_port), stopped)

    async def ask_services(self, system: str, arguments: Sequence[str]) -> str:
        stored = await self.store.get(system)
        if stored is None:
            raise TargetError(f"there is no system named {system}", retryable=False)
        blueprint = self.target.blueprint(stored.document)
        hosting = blueprint.best_informed
        if hosting is None:
            raise TargetError(f"{system} has no service, so there is nothing to ask", retryable=False)
        return await self.target.run_beside(system, hosting, arguments, timeout=PATIENCE)

    async def data_left(self, system: str) -> Sequence[str]:
        return [f"{words(key_of(item))} in {self._namespace}" for item in await self._data(system)]

    async def purge(self, system: str) -> None:
        if await self.store.get(system) is not None:
            raise TargetError(f"{system} has not been deleted; delete it first", retryable=False)
        for item in await self._data(system):
            await self._client.delete(item)

    async def close(self) -> None:
        await self._client.close()

    async def _data(self, system: str) -> list[Object]:
        found: list[Object] = []
        for kind in (CLAIM, SECRET):
            items, _ = await self._client.list(kind, self._namespace, labels=f"{SELECTOR},{INSTANCE}={system}")
            found += items
        return found


async def open_for(*, context: str | None, namespace: str | None, state_dir: Path | None = None) -> KubernetesSession:
    """The cluster of the kubeconfig, or the one that this runs in. Raises TargetError."""
    connection = await connect(context)
    return KubernetesSession(connection, namespace or connection.namespace)


def _is_held(lease: Object) -> bool:
    """By its own account, on this machine's clock: good enough to tell a person."""
    spec = lease.get("spec") or {}
    age = datetime.now(UTC).timestamp() - seconds(spec.get("renewTime"))
    return bool(spec.get("holderIdentity")) and age < 3 * float(spec.get("leaseDurationSeconds") or 0)
