"""A call on its way to another process, as data. Who may change it: the router, and the replica in whose hands it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.runtime.rpc_replica import Replica


@dataclass(eq=False, slots=True)
class RemoteCall:
    """Times are the event loop's, in seconds."""

    id: int
    """Rising: also the order in which the calls were made."""
    service: str
    method: str
    request: bytes
    request_id: str
    """For the log of the other process; "" for none."""
    deadline: float
    patience: float
    """Until when it waits for any replica to be there."""
    future: asyncio.Future[bytes]
    """The response. Fails with Unavailable."""
    repeatable: bool
    key: str
    """Calls of one key keep their order; "" for none."""
    whole: bool
    """Too large to share a stream."""
    replica: Replica | None = None
    """In whose hands it is."""
    sent: bool = False
    """Whether it may have reached that replica."""
    tried: tuple[Replica, ...] = ()
    """Those that refused it, or were lost with it in their hands."""
    pieces: list[bytes] | None = None
    """What has come of a response in several pieces."""
    trace: str = ""
    """The span that it belongs to (services/observation/tracer.py); "" for none."""
