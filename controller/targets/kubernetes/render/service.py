"""The Services of a workload: the name under which others find it, and the names of a StatefulSet's pods. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.blueprint.workload import Port, Workload
from controller.targets.kubernetes.render.manifest import Manifest
from controller.targets.kubernetes.render.scope import Scope


def service(scope: Scope, workload: Workload) -> Manifest:
    """One address for the pods that are ready. Never reached from outside; that is the edge's."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": scope.metadata(scope.object_name(workload), workload),
        "spec": {
            "internalTrafficPolicy": "Cluster",
            "ports": service_ports(workload.ports),
            "selector": scope.selector(workload),
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
    }


def headless(scope: Scope, workload: Workload) -> Manifest:
    """The names of the pods themselves, ready or not."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": scope.metadata(headless_name(scope, workload), workload),
        "spec": {
            "clusterIP": "None",
            "internalTrafficPolicy": "Cluster",
            "ports": service_ports(workload.ports),
            "publishNotReadyAddresses": True,
            "selector": scope.selector(workload),
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
    }


def headless_name(scope: Scope, workload: Workload) -> str:
    return scope.name(workload.name, "pods")


def service_ports(ports: Iterable[Port]) -> list[Manifest]:
    return [{"name": port.name, "port": port.number, "protocol": "TCP", "targetPort": port.name} for port in ports]
