"""The ports of the engine: where declarations and their status live, and where workloads run.

Each target implements them (a directory for `local`, the API server for `kubernetes`, the Swarm's raft store for
`swarm`). The engine and the command line see only these protocols.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.blueprint.workload import Blueprint, Workload
from controller.engine.model import Event, Observed, Revision, Step


class TargetError(Exception):
    """The platform refused or failed. The text is for a person: what, where, what to do. `retryable`: trying again may
    help."""

    def __init__(self, message: str, *, reason: str = "StepFailed", retryable: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable


class InvalidDeclaration(Exception):
    """A stored document breaks the rules; `problems` has one sentence each, with its path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Stored:
    """One declaration as kept."""

    name: str
    document: Mapping[str, Any]
    """apiVersion, kind, metadata, spec: as the person gave it."""
    generation: int
    """Grows by one whenever the spec changes."""
    author: str = ""
    paused: bool = False
    deleting: bool = False
    status: Mapping[str, Any] = field(default_factory=dict)


class Target(Protocol):
    """Where workloads run. Methods may be called again after a crash at any point; each is idempotent."""

    name: str

    def blueprint(self, document: Mapping[str, Any]) -> Blueprint:
        """The desired state of a ChatSystem on this target. Reads nothing but the document and what cannot change while
        the controller runs. Raises InvalidDeclaration."""
        ...

    async def acquire(self, system: str) -> bool:
        """Whether this controller, and no other, drives the system now. Kept until `release` or death."""
        ...

    async def release(self, system: str) -> None: ...

    async def observe(self, system: str, blueprint: Blueprint) -> Observed:
        """What runs now and belongs to this system, never a stranger's. The blueprint says how to probe it."""
        ...

    async def execute(self, system: str, blueprint: Blueprint, step: Step) -> None:
        """Carries out one step. Returns when it is ordered, not when it is healthy. Raises TargetError."""
        ...

    async def run_once(self, system: str, workload: Workload, *, timeout: float) -> str:
        """Runs a job that is no part of the system beside it, and returns what it printed; nothing of it is left. `timeout` in
        seconds. May be cancelled. Raises TargetError with the job's own words if it failed."""
        ...

    def secret_remedy(self, system: str, name: str, keys: Sequence[str]) -> str:
        """How a person gives a secret of the system these keys on this target: the end of a sentence."""
        ...

    async def dispose(self, system: str, *, keep_data: bool) -> None:
        """Removes what is left of a system that no longer runs: secrets and data too, unless they are to be kept."""
        ...

    def watch(self) -> AsyncIterator[str]:
        """Yields the name of a system when something that runs for it changed: died, became healthy, vanished."""
        ...

    def logs(
        self, system: str, component: str | None = None, *, follow: bool = False, tail: int = 100
    ) -> AsyncIterator[tuple[str, str]]:
        """Yields (source, line): the last `tail` lines of each instance, then new ones as they come if `follow`."""
        ...

    def endpoints(self, document: Mapping[str, Any]) -> Sequence[str]:
        """Addresses that a person can open, best first."""
        ...


class SystemStore(Protocol):
    """Where the declarations are. The controller writes status, events and revisions, never a spec."""

    async def names(self) -> list[str]: ...

    async def get(self, name: str) -> Stored | None: ...

    async def put(self, document: Mapping[str, Any], *, author: str) -> Stored:
        """Keeps a validated declaration; grows `generation` if the spec differs. Takes a deletion mark off."""
        ...

    async def set_paused(self, name: str, paused: bool) -> None:
        """Raises KeyError if there is no such system."""
        ...

    async def mark_deleted(self, name: str) -> None:
        """Asks for deletion: the loop removes what runs, then calls `remove`. Raises KeyError."""
        ...

    async def guard(self, stored: Stored) -> None:
        """Sees to it that a request to delete the system waits for `remove`, where its deletion policy asks the loop for
        something. Does nothing where every request waits."""
        ...

    async def remove(self, name: str) -> None: ...

    async def write_status(self, name: str, status: Mapping[str, Any]) -> None:
        """Replaces the status as a whole, atomically; does nothing if it is equal."""
        ...

    async def record_event(self, name: str, event: Event) -> None: ...

    async def events(self, name: str) -> list[Event]:
        """Oldest first; a bounded number is kept."""
        ...

    async def record_revision(self, name: str, revision: Revision) -> None:
        """Writes or replaces the revision of that number, and drops the oldest ones beyond what is kept."""
        ...

    async def revisions(self, name: str) -> list[Revision]:
        """Oldest first."""
        ...

    def watch(self) -> AsyncIterator[str]:
        """Yields the name of a system when its declaration, pause or deletion changed. Names of all existing ones come
        first."""
        ...
