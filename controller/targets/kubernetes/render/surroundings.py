"""What rendering has to know of the cluster: the only input beside the declaration and its blueprint. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Surroundings:
    namespace: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Name of a secret of the blueprint -> name of the Secret object that holds it now. One that is not here is expected under
    `{system}-{name}` if the controller makes it, and under its own name if a person does."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Name of a secret of the blueprint -> digest of its content. Where it is known, pods that mount the secret are replaced
    when its content changes under the same name."""
    owner_uid: str = ""
    """uid of the ChatSystem. Empty: objects get no owner, and nothing collects them but the controller."""
    attempts: Mapping[str, int] = field(default_factory=dict)
    """Name of a job -> number of the run that is wanted, from 1. A Job cannot be changed or run again, only made anew."""
    monitoring: bool = False
    """The cluster knows the kind ServiceMonitor (Prometheus Operator)."""
