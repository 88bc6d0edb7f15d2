"""`spec.notifications`: whom the controller tells when something needs a person."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.api.model import Model
from controller.api.names import ObjectName, Url
from controller.api.rules import Rule, exactly_one

Occasion = Literal["ReleaseFailed", "RolledBack", "BackupFailed", "RestoreVerificationFailed", "Stalled", "Recovered"]


class Webhook(Model):
    """An HTTP endpoint that gets a POST with a JSON body."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("url", "secretName"),)

    url: Url | None = None
    """Address of the endpoint."""

    secret_name: ObjectName | None = None
    """Secret with the key `url`, for addresses that are secret themselves."""


class Notifications(Model):
    """Messages to people outside the system."""

    occasions: Annotated[tuple[Occasion, ...], Field(min_length=1, max_length=6)] = (
        "ReleaseFailed",
        "RolledBack",
        "BackupFailed",
        "RestoreVerificationFailed",
        "Stalled",
    )
    """What is told."""

    webhook: Webhook
    """Where it is told."""
