"""The claim of a volume. Pure.

Claims stand alone and are not made from a StatefulSet's templates: those cannot be changed, and a volume has to grow with its
declaration (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims). They have no owner, so that data
outlives a ChatSystem that is deleted by mistake.
"""

from __future__ import annotations

from controller.blueprint.workload import Volume
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.quantities import memory
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.volumes import claim_name

_UNSIZED = 10 * 2**30
"""Bytes of a volume whose size nobody chose; a claim has to name one."""


def persistent_volume_claim(scope: Scope, volume: Volume) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": scope.metadata(claim_name(scope, volume), owned=False),
        "spec": given(
            {
                "accessModes": ["ReadWriteMany" if volume.shared else "ReadWriteOnce"],
                "resources": {"requests": {"storage": memory(_UNSIZED if volume.size is None else volume.size)}},
                "storageClassName": volume.storage_class,
                "volumeMode": "Filesystem",
            }
        ),
    }
