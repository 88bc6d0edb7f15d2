"""The declarations of a cluster: ChatSystem objects. The controller writes their status, events, and revisions, and the
finalizer where the deletion policy asks it for something; never a spec."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from controller.engine.model import Event, Revision
from controller.engine.ports import Stored, TargetError
from controller.targets.kubernetes import documents
from controller.targets.kubernetes.cache import System
from controller.targets.kubernetes.changes import Changes
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.documents import FINALIZER, PAUSED
from controller.targets.kubernetes.errors import Refused
from controller.targets.kubernetes.inventory import INSTANCE, SELECTOR
from controller.targets.kubernetes.kinds import EVENT, REVISION, SYSTEM, Object
from controller.targets.kubernetes.place import Place
from controller.targets.kubernetes.systems import Systems

log = logging.getLogger(__name__)

PERSON = "chatsystem"
"""Field manager of what a person declares with the command line."""


class KubernetesStore:
    """Implements SystemStore on an API server. `systems` is what is known of the objects without asking; the command line
    gives none and asks each time."""

    def __init__(
        self,
        client: Client,
        place: Place,
        *,
        systems: Systems | None = None,
        namespaces: tuple[str, ...] = (),
        instance: str = "",
    ) -> None:
        self._client = client
        self._place = place
        self._systems = systems
        self._namespaces = namespaces
        self._instance = instance
        self._revisions: dict[System, dict[int, Object]] = {}
        self._changes = systems.changes if systems else Changes()

    async def names(self) -> list[str]:
        """Asks the API server, so that what an event missed is found, and what is gone forgotten."""
        found: list[Object] = []
        for namespace in self._namespaces or (self._place.namespace,):
            items, version = await self._client.list(SYSTEM, namespace)
            found += items
            if self._systems is not None:
                self._systems.listed(namespace, items, version)
        return sorted(self._place.key(_system(item)) for item in found)

    async def get(self, name: str) -> Stored | None:
        item = await self._item(name)
        return documents.stored_of(item, name) if item is not None else None

    async def put(self, document: Mapping[str, Any], *, author: str) -> Stored:
        """As `kubectl apply --server-side` does."""
        metadata = {key: value for key, value in document["metadata"].items() if key in _A_PERSONS}
        namespace, name = self._place.system(str(metadata["name"]))
        if metadata.get("namespace", namespace) != namespace:
            raise TargetError(
                f"metadata.namespace is {metadata['namespace']}, but the command is for the namespace {namespace}; add "
                f"--namespace {metadata['namespace']}",
                retryable=False,
            )
        body = {**document, "metadata": {**metadata, "namespace": namespace}}
        body.pop("status", None)
        live = await self._client.get(SYSTEM, namespace, name)
        if live is not None and live["metadata"].get("deletionTimestamp"):
            raise TargetError(
                f"{name} is being deleted; wait for it with: chatsystem wait {name} --for deleted, then apply again",
                retryable=False,
            )
        applied = await self._client.apply(body, manager=PERSON)
        return documents.stored_of(applied, self._place.key(_system(applied)))

    async def set_paused(self, name: str, paused: bool) -> None:
        await self._annotate(name, {PAUSED: "true" if paused else None})

    async def mark_deleted(self, name: str) -> None:
        item = await self._client.get(SYSTEM, *self._place.system(name))
        if item is None:
            raise KeyError(name)
        await self._client.delete(item)

    async def guard(self, stored: Stored) -> None:
        item = await self._item(stored.name)
        if item is None:
            return
        have = list(item["metadata"].get("finalizers") or ())
        needed = documents.needs_finalizer(stored.document)
        if needed != (FINALIZER in have):
            await self._set_finalizers(
                item, [*have, FINALIZER] if needed else [one for one in have if one != FINALIZER]
            )

    async def remove(self, name: str) -> None:
        """Lets Kubernetes remove the object: it, and what it owns, are gone once no finalizer is left."""
        item = await self._client.get(SYSTEM, *self._place.system(name))
        self._revisions.pop(self._place.system(name), None)
        if item is None:
            return
        have = item["metadata"].get("finalizers") or ()
        if FINALIZER in have:
            await self._set_finalizers(item, [one for one in have if one != FINALIZER])
        if self._systems is not None:
            self._systems.drop(item)

    async def write_status(self, name: str, status: Mapping[str, Any]) -> None:
        item = await self._item(name)
        if item is None:
            return
        body = documents.status_body(item, status)
        if documents.same_status(body["status"], item.get("status") or {}):
            return
        try:
            self._learn(await self._client.apply(body, subresource="status"))
        except Refused as error:
            if error.status not in {404, 409}:
                raise
            # It was deleted, or is another one of the same name: its next pass writes its own.

    async def record_event(self, name: str, event: Event) -> None:
        """An event that cannot be written is in the log; the work goes on."""
        item = await self._item(name)
        if item is None:
            return
        try:
            await self._client.create(documents.event_object(item, event, self._instance))
        except TargetError as error:
            log.warning("%s: %s %s could not be told: %s", name, event.reason, event.message, error)

    async def events(self, name: str) -> list[Event]:
        item = await self._item(name)
        if item is None:
            return []
        fields = f"regarding.uid={item['metadata']['uid']}"
        found, _ = await self._client.list(EVENT, item["metadata"]["namespace"], fields=fields)
        return sorted(map(documents.event_of, found), key=lambda event: event.time)

    async def record_revision(self, name: str, revision: Revision) -> None:
        item = await self._item(name)
        if item is None:
            return
        known = await self._known(item)
        known[revision.number] = await self._client.apply(documents.revision_object(item, revision))
        for number in documents.surplus([documents.revision_of(known[number]) for number in sorted(known)]):
            await self._client.delete(known.pop(number))

    async def revisions(self, name: str) -> list[Revision]:
        item = await self._item(name)
        if item is None:
            return []
        known = await self._known(item)
        return [documents.revision_of(known[number]) for number in sorted(known)]

    async def watch(self) -> AsyncIterator[str]:
        for name in await self.names():
            yield name
        async for system in self._changes.follow():
            yield self._place.key(system)

    def forget(self) -> None:
        """What it knows of revisions, which another leader may have written meanwhile."""
        self._revisions.clear()

    async def _known(self, item: Object) -> dict[int, Object]:
        """The revisions of this very object. Only the leader writes them, so it reads them once."""
        system, uid = _system(item), item["metadata"]["uid"]
        if self._systems is not None and (known := self._revisions.get(system)) is not None:
            return known
        labels = f"{SELECTOR},{INSTANCE}={system[1]}"
        found, _ = await self._client.list(REVISION, system[0], labels=labels)
        mine = [one for one in found if any(o.get("uid") == uid for o in one["metadata"].get("ownerReferences") or ())]
        self._revisions[system] = {int(one["revision"]): one for one in mine}
        return self._revisions[system]

    async def _item(self, name: str) -> Object | None:
        system = self._place.system(name)
        if self._systems is not None:
            return self._systems.get(system)
        return await self._client.get(SYSTEM, *system)

    async def _annotate(self, name: str, annotations: Mapping[str, str | None]) -> None:
        namespace, system = self._place.system(name)
        try:
            await self._client.merge(SYSTEM, namespace, system, {"metadata": {"annotations": annotations}})
        except Refused as error:
            if error.status == 404:
                raise KeyError(name) from None
            raise

    async def _set_finalizers(self, item: Object, finalizers: list[str]) -> None:
        """Of this very state of the object, so that no one else's finalizer is lost."""
        metadata = item["metadata"]
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}}
        try:
            self._learn(await self._client.merge(SYSTEM, metadata["namespace"], metadata["name"], patch))
        except Refused as error:
            if error.status != 404:
                raise

    def _learn(self, item: Object) -> None:
        if self._systems is not None:
            self._systems.put(item)


_A_PERSONS = frozenset({"name", "namespace", "labels", "annotations"})


def _system(item: Object) -> System:
    return item["metadata"]["namespace"], item["metadata"]["name"]
