"""The NetworkPolicies: nothing may be reached, except along the edges of the service graph. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.blueprint.workload import Kind, Workload
from controller.targets.kubernetes.render import graph, names
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.service_monitor import PORT as METRICS

_ANYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]


def network_policies(scope: Scope) -> tuple[Manifest, ...]:
    """First the one that forbids, then one for each workload that allows, then that of errands."""
    edges = graph.edges(scope.blueprint)
    allowing = (_allow(scope, workload, edges) for workload in scope.blueprint.workloads)
    return (_deny(scope), *allowing, _errands(scope, edges))


def _deny(scope: Scope) -> Manifest:
    """Every pod of the system, whatever it is: nothing in; out only to ask for names, wherever the cluster answers that."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": scope.metadata(scope.name("default-deny")),
        "spec": {
            "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}],
            "podSelector": {"matchLabels": names.selector(scope.system.name)},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def _allow(scope: Scope, workload: Workload, edges: Iterable[graph.Edge]) -> Manifest:
    own = list(edges)
    incoming = [_rule("from", [_pods(scope, edge.client)], edge.port) for edge in own if edge.server == workload.name]
    incoming += [_rule("from", [_errand(scope)], port) for name, port in _stores(scope, own) if name == workload.name]
    # The published ports: from anywhere. The metrics: from inside the cluster, for only Prometheus's owner knows where it runs.
    incoming += [{"ports": _ports(port.number)} for port in workload.ports if port.published]
    incoming += [
        _rule("from", [{"namespaceSelector": {}}], port.number) for port in workload.ports if port.name == METRICS
    ]
    outgoing = [_rule("to", [_pods(scope, edge.server)], edge.port) for edge in own if edge.client == workload.name]
    outgoing += [_outside(network, port) for network, port in graph.outside(workload)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": scope.metadata(scope.name(workload.name), workload),
        "spec": given(
            {
                "egress": outgoing,
                "ingress": incoming,
                "podSelector": {"matchLabels": scope.selector(workload)},
                "policyTypes": ["Ingress", "Egress"],
            }
        ),
    }


def _errands(scope: Scope, edges: Iterable[graph.Edge]) -> Manifest:
    """What is run once beside the system, such as a check of its stores: out to every store, and in from nowhere."""
    outgoing = [_rule("to", [_pods(scope, name)], port) for name, port in _stores(scope, edges)]
    outside = sorted({target for workload in scope.blueprint.workloads for target in graph.outside(workload)})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": scope.metadata(scope.name("errands")),
        "spec": given(
            {
                "egress": [*outgoing, *(_outside(network, port) for network, port in outside)],
                "podSelector": _errand(scope)["podSelector"],
                "policyTypes": ["Ingress", "Egress"],
            }
        ),
    }


def _stores(scope: Scope, edges: Iterable[graph.Edge]) -> list[tuple[str, int]]:
    """The stores, each with the ports by which it is used."""
    stores = {workload.name for workload in scope.blueprint.workloads if workload.kind is Kind.STORE}
    return sorted({(edge.server, edge.port) for edge in edges if edge.server in stores})


def _errand(scope: Scope) -> Manifest:
    return {"podSelector": {"matchLabels": names.selector(scope.system.name) | {names.ERRAND: "true"}}}


def _outside(network: str, port: int) -> Manifest:
    return _rule("to", [{"ipBlock": {"cidr": network}}] if network else _ANYWHERE, port)


def _rule(direction: str, peers: list[Manifest], port: int) -> Manifest:
    return {direction: peers, "ports": _ports(port)}


def _ports(number: int) -> list[Manifest]:
    return [{"port": number, "protocol": "TCP"}]


def _pods(scope: Scope, workload: str) -> Manifest:
    return {"podSelector": {"matchLabels": names.selector(scope.system.name, workload)}}
