"""Probes, and what happens before a container is stopped. Pure.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

import math
from dataclasses import replace

from controller.blueprint.workload import Probe, Workload
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.quantities import seconds

LEAVE = 5
"""Seconds between the moment at which a pod is to end and the moment at which its process hears of it, where connections from
outside arrive through kube-proxy or a load balancer: they go on sending new ones until they have heard of it themselves."""
_MISSES = 3


def probes(workload: Workload) -> Manifest:
    """A store gets no liveness probe, and with it no startup probe: a server that is killed while it creates or repairs its data would be
    worse than one that is late, and that it is late is said by its readiness."""
    ready, live = workload.ready, workload.live
    return given(
        {
            "startupProbe": _probe(*_start(live, ready)) if live else None,
            "readinessProbe": _probe(ready, _MISSES) if ready else None,
            "livenessProbe": _probe(live, _times(live)) if live else None,
        }
    )


def _start(live: Probe, ready: Probe | None) -> tuple[Probe, int]:
    """Alive but not ready is no reason for a restart: so a start is over as soon as the process answers. It is asked as often as
    readiness is, because nothing else is asked until then."""
    if ready is None:
        return live, _times(live)
    return replace(live, interval=ready.interval), _times(ready)


def _times(probe: Probe) -> int:
    """How many failures in a row take as long as the deadline."""
    return max(1, math.ceil(probe.deadline / seconds(probe.interval, least=1)))


def _probe(probe: Probe, failures: int) -> Manifest:
    """The kubelet cannot ask a line and look at the answer: then it only connects."""
    if probe.path:
        check: Manifest = {"httpGet": {"path": probe.path, "port": probe.port, "scheme": "HTTP"}}
    else:
        check = {"tcpSocket": {"port": probe.port}}
    return check | {
        "periodSeconds": seconds(probe.interval, least=1),
        "timeoutSeconds": seconds(probe.timeout, least=1),
        "successThreshold": 1,
        "failureThreshold": failures,
    }


def leaving(workload: Workload) -> int:
    """Seconds before the process hears that it is to end. Between our own services there are none: a service leaves the registry itself."""
    return LEAVE if any(port.published for port in workload.ports) else 0


def lifecycle(workload: Workload) -> Manifest | None:
    pause = leaving(workload)
    return {"preStop": {"sleep": {"seconds": pause}}} if pause else None


def grace(workload: Workload) -> int:
    """Seconds between the decision that a pod is to end and the kill."""
    return leaving(workload) + seconds(workload.stop_grace, least=1)
