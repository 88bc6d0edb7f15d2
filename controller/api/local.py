"""`spec.local`: what concerns the local target only."""

from __future__ import annotations

from typing import Literal

from controller.api.model import Model
from controller.api.names import Address


class Local(Model):
    """The local target: processes on this machine, with embedded stores."""

    processes: Literal["Shared", "PerService"] = "Shared"
    """`Shared`: one process hosts all services once. `PerService`: each service and replica is a process of its own."""

    address: Address = "127.0.0.1"
    """Address on which the public ports listen. `0.0.0.0`: others in the network can connect too."""
