"""The kinds of objects that this target deals with, and where the API server has them. A table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from controller.api.metadata import API_VERSION

Object = Mapping[str, Any]
"""An object of the API server, as it gives it."""
Manifest = Mapping[str, Any]
"""An object as it is to be: only the fields that we decide."""


@dataclass(frozen=True)
class Kind:
    """A namespaced resource. https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris"""

    api_version: str
    name: str
    plural: str

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Without a namespace: all of them."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [root, self.api_version]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts += [self.plural, quote(name, safe=""), subresource]
        return "/".join(part for part in parts if part)


SYSTEM = Kind(API_VERSION, "ChatSystem", "chatsystems")
SECRET = Kind("v1", "Secret", "secrets")
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE = Kind("v1", "Service", "services")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
STATEFUL_SET = Kind("apps/v1", "StatefulSet", "statefulsets")
JOB = Kind("batch/v1", "Job", "jobs")
INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
SERVICE_MONITOR = Kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors")
POD = Kind("v1", "Pod", "pods")
REVISION = Kind("apps/v1", "ControllerRevision", "controllerrevisions")
EVENT = Kind("events.k8s.io/v1", "Event", "events")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")

RENDERED = (
    Kind("v1", "ServiceAccount", "serviceaccounts"),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    Kind("v1", "ConfigMap", "configmaps"),
    CLAIM,
    DEPLOYMENT,
    STATEFUL_SET,
    JOB,
    SERVICE,
    Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    SERVICE_MONITOR,
    INGRESS,
)
"""What this version or an earlier one makes for a system: the inventory that pruning goes by. A kind stays in this list when
it is not rendered any more."""

RUNNING = frozenset({DEPLOYMENT, STATEFUL_SET})
"""The kinds that keep replicas: a group with one of them runs."""

DATA = frozenset({CLAIM, SECRET})
"""Never removed because a declaration changed, only when a system is deleted and its policy says so."""

WATCHED = (*RENDERED, SECRET, POD)
"""What the cache holds of each system."""

OPTIONAL = frozenset({SERVICE_MONITOR})
"""Kinds that a cluster may lack."""

_BY_NAME = {kind.name: kind for kind in (*WATCHED, SYSTEM, REVISION, EVENT, LEASE)}


def kind_of(item: Object) -> Kind:
    """The kind of an object or manifest. Raises KeyError for one that is not in the table."""
    return _BY_NAME[item["kind"]]
