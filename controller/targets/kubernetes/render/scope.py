"""What all manifests of one system have in common: names, labels, namespace, owner. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.api.chatsystem import ChatSystem
from controller.api.metadata import API_VERSION
from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.targets.kubernetes.render import names
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.surroundings import Surroundings


@dataclass(frozen=True)
class Scope:
    """One system on its way into a cluster."""

    system: ChatSystem
    blueprint: Blueprint
    surroundings: Surroundings

    def name(self, *parts: str) -> str:
        return names.joined(self.system.name, *parts)

    def object_name(self, workload: Workload) -> str:
        """Of the Deployment, StatefulSet or Job, and of the Service in front of it. A job's holds its digest and the number of the run."""
        if workload.kind is Kind.JOB:
            attempt = self.surroundings.attempts.get(workload.name, 1)
            return self.name(workload.name, workload.digest[:10], str(attempt))
        return names.joined(self.system.name, workload.name, longest=names.LONGEST_STATEFUL_SET)

    def host(self, workload: str) -> str:
        """The DNS name under which other pods find it."""
        found = self.blueprint.workload(workload)
        name = self.object_name(found) if found else self.name(workload)
        return f"{name}.{self.surroundings.namespace}.svc"

    def secret_object(self, secret: str) -> str:
        """The name of the Secret that holds a secret of the blueprint."""
        if known := self.surroundings.secrets.get(secret):
            return known
        generated = any(item.name == secret and item.generated for item in self.blueprint.secrets)
        return self.name(secret) if generated else secret

    def selector(self, workload: Workload) -> dict[str, str]:
        return names.selector(self.system.name, workload.name)

    def metadata(
        self,
        name: str,
        workload: Workload | None = None,
        *,
        annotations: Mapping[str, str] | None = None,
        owned: bool = True,
    ) -> Manifest:
        """`owned`: Kubernetes collects the object with the ChatSystem. Not so for what a deletion policy may keep."""
        labels = names.labels(
            self.system.name, workload.name if workload else None, workload.version if workload else ""
        )
        return given(
            {
                "name": name,
                "namespace": self.surroundings.namespace,
                "labels": labels,
                "annotations": dict(annotations or {}),
                "ownerReferences": self._owners() if owned else None,
            }
        )

    def _owners(self) -> list[Manifest]:
        if not self.surroundings.owner_uid:
            return []
        owner = {
            "apiVersion": API_VERSION,
            "kind": "ChatSystem",
            "name": self.system.name,
            "uid": self.surroundings.owner_uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
        return [owner]
