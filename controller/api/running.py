"""What every component that runs has: resources, placement."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from controller.api.model import Model
from controller.api.names import ObjectName
from controller.api.quantity import Cpu, Size
from controller.api.rules import Rule, not_more


class Amounts(Model):
    """Amounts of CPU and memory."""

    cpu: Cpu | None = None
    """CPU cores: `500m`, `2`."""

    memory: Size | None = None
    """Memory: `512Mi`, `2Gi`."""


class Resources(Model):
    """What one replica is promised and what it may use at most."""

    rules: ClassVar[tuple[Rule, ...]] = (not_more("cpu"), not_more("memory"))

    requests: Amounts = Amounts()
    """Promised; the platform places a replica where this much is free."""

    limits: Amounts = Amounts()
    """The most it may use. Over the memory limit it is killed, over the CPU limit slowed down."""


Constraint = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^\S+\s*(==|!=)\s*\S+$")]


class Placement(Model):
    """Where replicas may run. The local target ignores it."""

    constraints: tuple[Constraint, ...] = ()
    """Conditions that a node must meet, all of them: `node.labels.edge == true`, `node.role != manager`. Kubernetes knows `node.labels.NAME`,
    `node.hostname`, `node.role` (`manager`: a node of the control plane), `node.platform.os` and `node.platform.arch`."""

    preferences: tuple[Annotated[str, Field(min_length=1, max_length=300)], ...] = ()
    """Node labels over whose values replicas are spread, most important first: `node.labels.zone`."""

    node: ObjectName | None = None
    """Name of the one node to run on. Stores that keep data on a node's disk need it where storage does not move."""
