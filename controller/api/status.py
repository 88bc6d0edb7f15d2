"""`status` of the three kinds: what the controller writes, never a person.

Conditions follow kstatus (https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md) and the Kubernetes
API conventions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from controller.api.model import Model

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def list_by(key: str) -> Any:
    """Marks a list as one whose entries are told apart by a key, so that server-side apply merges it entry by entry."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]})


class Condition(Model):
    """One aspect of the state."""

    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]*$", max_length=64)]
    """Ready, Reconciling, Stalled, Available, StoresReady, Released, BackedUp, RestoreVerified."""

    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""

    reason: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=128)]
    """A stable word for programs."""

    message: Annotated[str, Field(max_length=32_768)] = ""
    """A sentence for people."""

    last_transition_time: Time
    """When `status` last changed."""

    observed_generation: int | None = None
    """Generation of the declaration that this speaks of."""


class ComponentStatus(Model):
    """A service, a store, the migration, or an external store, which is ready when it can be used."""

    name: str
    """Name of the component."""

    version: str = ""
    """Version that all of its ready replicas run; empty while that is not one version. Of an external store: what answered."""

    desired: int = 0
    """Replicas that are wanted."""

    ready: int = 0
    """Replicas that are healthy."""

    message: str = ""
    """Why it is not as wanted, in words."""


class RevisionStatus(Model):
    """One accepted declaration."""

    number: int
    """Counts from 1."""

    generation: int
    """Generation of the declaration."""

    version: str = ""
    """`spec.version` of it."""

    time: Time
    """When it was accepted."""

    verdict: Literal["Pending", "Released", "Failed", "RolledBack", "Superseded"]
    """What became of it."""

    message: str = ""
    """Why, in words."""


class ChatSystemStatus(Model):
    """What is so now."""

    observed_generation: int | None = None
    """Generation of the declaration that this status speaks of."""

    phase: str = ""
    """The state in one sentence."""

    version: str = ""
    """Version that serves."""

    conditions: Annotated[tuple[Condition, ...], list_by("type")] = ()
    """The state for programs, one entry a type."""

    components: Annotated[tuple[ComponentStatus, ...], list_by("name")] = ()
    """Each service and store."""

    addresses: tuple[str, ...] = ()
    """Addresses that a person can open, best first."""

    revisions: Annotated[tuple[RevisionStatus, ...], list_by("number")] = ()
    """The newest revisions, newest first."""

    last_good_revision: int | None = None
    """The revision that a rollback goes to."""

    gateway_replicas: int = 0
    """Gateways that run, for the scale subresource."""

    gateway_selector: str = ""
    """Label selector of the gateways, for the scale subresource."""

    last_backup: str = ""
    """Name of the newest good backup set."""

    last_backup_time: Time | None = None
    """When it was taken."""

    last_error: str = ""
    """What went wrong last, in words a person can act on; empty when all is well."""


class BackupStatus(Model):
    """What became of a backup."""

    observed_generation: int | None = None
    """Generation of the request that this speaks of."""

    phase: str = ""
    """The state in one sentence."""

    conditions: Annotated[tuple[Condition, ...], list_by("type")] = ()
    """The state for programs, one entry a type."""

    set: str = ""
    """Name of the set at its destination."""

    version: str = ""
    """Version of the system that was backed up."""

    start_time: Time | None = None
    """When it began."""

    completion_time: Time | None = None
    """When it ended."""

    size: int = 0
    """Bytes of the set."""

    messages: int = 0
    """Messages in the set."""

    files: int = 0
    """Files in the set."""

    checksum: str = ""
    """SHA-256 of the manifest."""

    restore_verified_time: Time | None = None
    """When a restore of it was last verified."""


class RestoreStatus(Model):
    """What became of a restore."""

    observed_generation: int | None = None
    """Generation of the request that this speaks of."""

    phase: str = ""
    """The state in one sentence."""

    conditions: Annotated[tuple[Condition, ...], list_by("type")] = ()
    """The state for programs, one entry a type."""

    set: str = ""
    """Name of the set that was restored."""

    start_time: Time | None = None
    """When it began."""

    completion_time: Time | None = None
    """When it ended."""

    messages: int = 0
    """Messages that were restored."""

    files: int = 0
    """Files that were restored."""
