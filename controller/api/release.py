"""`spec.release`: how a change of version, image or configuration reaches the running system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.api.model import Model
from controller.api.quantity import Duration

WINDOW_PATTERN = (
    r"^((Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))? )?"
    r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
)


class Release(Model):
    """Update policy."""

    observe: Duration = "30s"
    """How long a new replica has to stay healthy before the next one is replaced."""

    on_failure: Literal["rollback", "pause"] = "rollback"
    """`rollback`: go back to the last good revision. `pause`: stop there and wait for a person."""

    backup_first: bool = False
    """Take a backup before the schema migration."""

    timeout: Duration = "10m"
    """How long a release may take before it counts as failed."""

    migration_timeout: Duration = "30m"
    """How long the schema migration may take before it counts as failed."""

    window: Annotated[str, Field(pattern=WINDOW_PATTERN, max_length=32)] | None = None
    """When releases may begin, in the time zone of `backup.timeZone`: `02:00-05:00`, `Sat-Sun 01:00-06:00`. Left out: at any time."""

    reconnect_window: Duration = "10s"
    """Time over which the clients of a stopping gateway spread their reconnects."""

    history_limit: Annotated[int, Field(ge=1, le=100)] = 10
    """Revisions that are remembered."""
