"""Volumes for claims, on the node's own disk: python -m tests.testbed.kubernetes.storage KUBECONFIG FOLDER NODE

A program of the cluster's machine. It is the provisioner of the default storage class: makes a folder and a `local` volume for
each claim, grows a volume that is asked to be larger, and removes what was released. Unlike volumes of the kind hostPath, local ones
are given to a pod's group, as those of real storage are.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import kubernetes

PROVISIONER = "chatsystem.dev/testbed"
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": PROVISIONER,
    "reclaimPolicy": "Delete",
    "allowVolumeExpansion": True,
    "volumeBindingMode": "Immediate",
}
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


class Storage:
    def __init__(self, kubeconfig: Path, folder: Path, node: str) -> None:
        self._core = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(kubeconfig)))
        self._folder, self._node = folder, node

    def run(self) -> None:
        """Looks at everything whenever a claim or a volume has changed."""
        while True:
            try:
                listed = self._core.list_persistent_volume_claim_for_all_namespaces()
                self._settle(listed.items)
                changes = kubernetes.watch.Watch().stream(
                    self._core.list_persistent_volume_claim_for_all_namespaces,
                    resource_version=listed.metadata.resource_version,
                    timeout_seconds=5,
                )
                next(iter(changes), None)
            except (
                OSError,
                kubernetes.client.ApiException,
                kubernetes.client.rest.urllib3.exceptions.HTTPError,
            ) as error:
                print(error, flush=True)  # the API server is away, or another was quicker
                time.sleep(0.5)

    def _settle(self, claims: list[Any]) -> None:
        volumes = {
            volume.metadata.name: volume
            for volume in self._core.list_persistent_volume().items
            if (volume.metadata.annotations or {}).get(_PROVISIONED_BY) == PROVISIONER
        }
        for claim in claims:
            volume = volumes.get(f"pvc-{claim.metadata.uid}")
            if volume is None and claim.spec.storage_class_name == CLASS["metadata"]["name"]:
                self._make(claim)
            elif volume is not None and claim.status.phase == "Bound":
                self._grow(claim, volume)
        for name, volume in volumes.items():
            if volume.status.phase == "Released" and volume.spec.persistent_volume_reclaim_policy == "Delete":
                shutil.rmtree(self._folder / name, ignore_errors=True)
                self._core.delete_persistent_volume(name)

    def _make(self, claim: Any) -> None:
        if claim.metadata.deletion_timestamp or claim.spec.volume_name:
            return
        name = f"pvc-{claim.metadata.uid}"
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        on_the_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [self._node]}
        volume = {
            "metadata": {"name": name, "annotations": {_PROVISIONED_BY: PROVISIONER}},
            "spec": {
                "capacity": {"storage": claim.spec.resources.requests["storage"]},
                "accessModes": claim.spec.access_modes,
                "persistentVolumeReclaimPolicy": CLASS["reclaimPolicy"],
                "storageClassName": claim.spec.storage_class_name,
                "local": {"path": str(self._folder / name)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_the_node]}]}},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": claim.metadata.namespace,
                    "name": claim.metadata.name,
                    "uid": claim.metadata.uid,
                },
            },
        }
        self._core.create_persistent_volume(volume)

    def _grow(self, claim: Any, volume: Any) -> None:
        wanted = claim.spec.resources.requests["storage"]
        if wanted == volume.spec.capacity["storage"] == (claim.status.capacity or {}).get("storage"):
            return
        self._core.patch_persistent_volume(volume.metadata.name, {"spec": {"capacity": {"storage": wanted}}})
        self._core.patch_namespaced_persistent_volume_claim_status(
            claim.metadata.name,
            claim.metadata.namespace,
            {"status": {"capacity": {"storage": wanted}, "conditions": None}},
        )


if __name__ == "__main__":
    Storage(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]).run()
