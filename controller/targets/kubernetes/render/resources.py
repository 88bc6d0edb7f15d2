"""CPU and memory of a container. Pure."""

from __future__ import annotations

from controller.blueprint.workload import Resources
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.quantities import cpu, memory


def resources(declared: Resources) -> Manifest:
    """An API server requests what is limited where nothing else is requested; so it is written out."""
    limits = given(
        {
            "cpu": None if declared.cpu_limit is None else cpu(declared.cpu_limit),
            "memory": None if declared.memory_limit is None else memory(declared.memory_limit),
        }
    )
    requests = given(
        {
            "cpu": None if declared.cpu_request is None else cpu(declared.cpu_request),
            "memory": None if declared.memory_request is None else memory(declared.memory_request),
        }
    )
    return given({"limits": limits, "requests": limits | requests})
