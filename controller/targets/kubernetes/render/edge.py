"""The edge: how people reach the gateway. A Service of the declared type, or an Ingress with one behind it. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/
"""

from __future__ import annotations

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.service import service_ports

WEBSOCKET_PATH = "/ws"
"""An Ingress has one port for both. Browsers and the original clients look for the WebSocket here when it has no port of its own."""
_NODE_PORTS = range(30000, 32768)
"""What a cluster gives away unless it was set up otherwise."""


def edge(scope: Scope, gateway: Workload) -> tuple[Manifest, ...]:
    service = _service(scope, gateway)
    if scope.system.spec.exposure.type != "Ingress":
        return (service,)
    return (service, _ingress(scope, gateway, service["metadata"]["name"]))


def edge_name(scope: Scope) -> str:
    return scope.name("edge")


def _service(scope: Scope, gateway: Workload) -> Manifest:
    exposure = scope.system.spec.exposure
    kind = "ClusterIP" if exposure.type == "Ingress" else exposure.type
    ports = service_ports(port for port in gateway.ports if port.published)
    if kind == "NodePort":
        # A declared port that a node can have is meant as such; for any other the cluster chooses one.
        ports = [port | {"nodePort": port["port"]} if port["port"] in _NODE_PORTS else port for port in ports]
    outside = {"LoadBalancer": "Local", "NodePort": "Cluster"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": scope.metadata(
            edge_name(scope), gateway, annotations={} if exposure.type == "Ingress" else exposure.annotations
        ),
        "spec": given(
            {
                # Local: the gateway sees the addresses of its clients, by which it limits their rate. Not for node ports, where people
                # expect every node to answer.
                "externalTrafficPolicy": outside.get(kind),
                "internalTrafficPolicy": "Cluster",
                "ports": ports,
                "selector": scope.selector(gateway),
                "sessionAffinity": "None",
                "type": kind,
            }
        ),
    }


def _ingress(scope: Scope, gateway: Workload, service: str) -> Manifest:
    exposure = scope.system.spec.exposure
    paths = {"websocket": WEBSOCKET_PATH, "http": "/"}
    published = {port.name for port in gateway.ports if port.published}
    rule = given(
        {
            "host": exposure.hostname,
            "http": {
                "paths": [
                    {
                        "path": path,
                        "pathType": "Prefix",
                        "backend": {"service": {"name": service, "port": {"name": port}}},
                    }
                    for port, path in paths.items()
                    if port in published
                ]
            },
        }
    )
    tls = given({"hosts": [exposure.hostname] if exposure.hostname else None}) | (
        {"secretName": exposure.tls.secret_name} if exposure.tls else {}
    )
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": scope.metadata(edge_name(scope), gateway, annotations=exposure.annotations),
        "spec": given(
            {
                "ingressClassName": exposure.ingress_class_name,
                "rules": [rule],
                "tls": [tls] if exposure.tls else None,
            }
        ),
    }
