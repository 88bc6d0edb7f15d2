"""Resources, placement and scaling of the declaration in the vocabulary of workloads. Pure."""

from __future__ import annotations

from controller.api import running
from controller.api.quantity import bytes_of, cores_of, seconds_of
from controller.api.services import Autoscaling
from controller.blueprint.workload import Placement, Resources, Scaling


def resources_of(declared: running.Resources) -> Resources:
    return Resources(
        cpu_request=_cores(declared.requests.cpu),
        cpu_limit=_cores(declared.limits.cpu),
        memory_request=_bytes(declared.requests.memory),
        memory_limit=_bytes(declared.limits.memory),
    )


def placement_of(declared: running.Placement) -> Placement:
    return Placement(tuple(declared.constraints), tuple(declared.preferences), declared.node)


def scaling_of(declared: Autoscaling | None) -> Scaling | None:
    if declared is None:
        return None
    delay = seconds_of(declared.scale_down_delay)
    return Scaling(declared.min, declared.max, declared.target_cpu, delay)


def _cores(text: str | None) -> float | None:
    return None if text is None else cores_of(text)


def _bytes(text: str | None) -> int | None:
    return None if text is None else bytes_of(text)
