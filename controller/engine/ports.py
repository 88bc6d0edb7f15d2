"""The two ports of the engine: where declarations and their status live, and where workloads run.

Each target implements both (a directory for `local`, the API server for `kubernetes`, the Swarm's raft store for
`swarm`). The engine and the command line see only these protocols.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from controller.blueprint.workload import Blueprint
from controller.engine.model import Event, Observed, Revision, Step


class TargetError(Exception):
    """The platform refused or failed. The text is for a person: what, where, what to do. `retryable`: trying again may help."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class Target(Protocol):
    """Where workloads run. Methods may be called again after a crash at any point; each is idempotent."""

    name: str

    def blueprint(self, system: Any) -> Blueprint:
        """The desired state of a ChatSystem (controller.api) on this target. Pure."""
        ...

    async def observe(self, system_name: str) -> Observed:
        """What runs now and belongs to this system. Never a stranger's."""
        ...

    async def execute(self, system_name: str, blueprint: Blueprint, step: Step) -> None:
        """Carries out one step. Returns when it is ordered, not when it is healthy. Raises TargetError."""
        ...

    def logs(
        self, system_name: str, component: str | None, *, follow: bool, tail: int
    ) -> AsyncIterator[tuple[str, str]]:
        """Yields (instance, line)."""
        ...

    def endpoints(self, system: Any) -> Sequence[str]:
        """Addresses that a person can open, best first."""
        ...


class SystemStore(Protocol):
    """Where the declarations are. The controller writes status, events and revisions, never a spec."""

    async def names(self) -> list[str]: ...

    async def get(self, name: str) -> Stored | None: ...

    async def put(self, document: dict[str, Any], *, author: str) -> Stored:
        """Keeps a validated declaration; grows `generation` if the spec differs."""
        ...

    async def mark_deleted(self, name: str) -> None:
        """Asks for deletion: the loop removes what runs, then calls `remove`."""
        ...

    async def remove(self, name: str) -> None: ...

    async def write_status(self, name: str, status: dict[str, Any]) -> None:
        """Replaces the status as a whole, atomically; does nothing if it is equal."""
        ...

    async def record_event(self, name: str, event: Event) -> None: ...

    async def events(self, name: str) -> list[Event]: ...

    async def record_revision(self, name: str, revision: Revision) -> None: ...

    async def revisions(self, name: str) -> list[Revision]: ...

    def watch(self) -> AsyncIterator[str]:
        """Yields the name of a system when its declaration, annotations or deletion changed."""
        ...


class Stored(Protocol):
    """One declaration as kept."""

    name: str
    document: dict[str, Any]  # apiVersion, kind, metadata, spec: as the person gave it
    generation: int
    paused: bool
    deleting: bool
    status: dict[str, Any]
