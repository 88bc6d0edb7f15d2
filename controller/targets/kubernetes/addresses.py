"""Addresses that a person can open, by how the gateway is exposed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controller.api.chatsystem import ChatSystem
from controller.targets.kubernetes.inventory import COMPONENT, labels_of
from controller.targets.kubernetes.kinds import POD, SERVICE, Object, kind_of
from controller.targets.kubernetes.render import names
from controller.targets.kubernetes.render.edge import WEBSOCKET_PATH


def of(system: ChatSystem, namespace: str, items: Sequence[Object]) -> list[str]:
    """Best first; none while the platform has not given any."""
    exposure = system.spec.exposure
    if system.spec.services.gateway.replicas == 0:
        return []
    s = "s" if exposure.tls else ""
    if exposure.type == "Ingress":
        return [f"http{s}://{exposure.hostname}/", f"ws{s}://{exposure.hostname}{WEBSOCKET_PATH}"]
    name = names.joined(system.name, "edge")
    service = next((item for item in items if kind_of(item) == SERVICE and item["metadata"]["name"] == name), None)
    ports = {port["name"]: port for port in (service or {}).get("spec", {}).get("ports", ())}
    http, websocket = exposure.http, exposure.websocket
    hosts: Iterable[str]
    match exposure.type:
        case "LoadBalancer":
            hosts = [exposure.hostname] if exposure.hostname and service else _balanced(service)
        case "NodePort":
            hosts = _nodes(items)
            http, websocket = (ports.get(port, {}).get("nodePort", 0) for port in ("http", "websocket"))
            if not http:
                return []
        case _:
            hosts = [f"{name}.{namespace}.svc"]
    return [
        address
        for host in hosts
        for address in (f"http{s}://{_host(host)}:{http}/", f"ws{s}://{_host(host)}:{websocket}/")
    ]


def _balanced(service: Object | None) -> list[str]:
    given = (service or {}).get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return [str(one.get("hostname") or one.get("ip")) for one in given]


def _nodes(items: Iterable[Object]) -> list[str]:
    """One node that has a gateway; each answers."""
    gateways = [item for item in items if kind_of(item) == POD and labels_of(item).get(COMPONENT) == "gateway"]
    return sorted({host for pod in gateways if (host := pod.get("status", {}).get("hostIP"))})[:1]


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
