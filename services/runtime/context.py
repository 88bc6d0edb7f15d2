"""What a service is given and what it gives: the seam between the services and the runtime that hosts them.

Every service package has a module `service` with `create(runtime) -> Hosted`. The runtime builds one Runtime per process,
creates the services in dependency order, starts them, and stops them in reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import CollectorRegistry

from services.observation.pools import Pools
from services.observation.samples import Samples
from services.stores.ports import Cache, Database, Files, Queue, Search

if TYPE_CHECKING:
    from services.observation.tracer import Tracer
    from services.runtime.push import PushBus
    from services.runtime.rpc import Clients
    from services.runtime.settings import Settings


class Hosted(Protocol):
    """One service inside a process."""

    name: str
    """As in services.catalogue."""

    handlers: Mapping[str, Callable[..., Any]]
    """RPC method name -> `async (request message) -> response message`. The gateway has none."""

    async def start(self) -> None:
        """Begins background work; returns when the service can take calls."""
        ...

    async def drain(self) -> None:
        """Takes nothing new and returns when what was accepted is finished. Called once, before stop."""
        ...

    async def stop(self) -> None: ...


@dataclass
class Runtime:
    """The parts that the services of one process share. `clock` is Unix time in seconds."""

    settings: Settings
    clients: Clients
    push: PushBus
    metrics: CollectorRegistry
    clock: Callable[[], float]
    database: Database
    cache: Cache
    queue: Queue
    search: Search
    files: Files
    samples: Samples
    """Figures that are taken when the metrics are scraped."""
    tracer: Tracer | None = field(default=None, kw_only=True)
    """None: no traces are made."""
    pools: Pools = field(init=False)

    def __post_init__(self) -> None:
        self.pools = Pools(self.metrics)
