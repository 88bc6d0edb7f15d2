"""Identity of a resource. Fields that an API server adds are accepted and left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from controller.api.model import Model
from controller.api.names import ObjectName, SystemName

API_VERSION = "chatsystem.dev/v1alpha1"
GROUP = "chatsystem.dev"
VERSION = "v1alpha1"


class Metadata(Model):
    """Name and labels of a resource."""

    name: SystemName
    """Name of the resource: a DNS label of at most 40 characters that begins with a letter, unique in its namespace or state directory."""

    namespace: ObjectName | None = None
    """Kubernetes namespace. Other targets ignore it."""

    labels: Mapping[str, str] = {}
    """Labels, as on every Kubernetes object."""

    annotations: Mapping[str, str] = {}
    """Annotations, as on every Kubernetes object."""

    uid: str | None = None
    """Set by an API server."""

    generation: int | None = None
    """Set by an API server: grows with each change of the spec."""

    resource_version: str | None = None
    """Set by an API server."""

    creation_timestamp: str | None = None
    """Set by an API server."""

    deletion_timestamp: str | None = None
    """Set by an API server."""

    deletion_grace_period_seconds: int | None = None
    """Set by an API server."""

    generate_name: str | None = None
    """Set by a client of an API server."""

    self_link: str | None = None
    """Set by old API servers."""

    finalizers: tuple[str, ...] = ()
    """Set by an API server and its clients."""

    owner_references: tuple[Mapping[str, Any], ...] = ()
    """Set by an API server and its clients."""

    managed_fields: tuple[Mapping[str, Any], ...] = ()
    """Set by an API server."""


ApiVersion = Literal["chatsystem.dev/v1alpha1"]
