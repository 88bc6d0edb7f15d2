"""The NetworkPolicies: nothing may be reached, except along the edges of the service graph. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.blueprint.workload import Workload
from controller.targets.kubernetes.render import graph, names
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.service_monitor import PORT as METRICS

_ANYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]


def network_policies(scope: Scope) -> tuple[Manifest, ...]:
    """First the one that forbids, then one for each workload that allows."""
    edges = graph.edges(scope.blueprint)
    return (_deny(scope), *(_allow(scope, workload, edges) for workload in scope.blueprint.workloads))


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
    # The published ports: from anywhere. The metrics: from inside the cluster, for only Prometheus's owner knows where it runs.
    incoming += [{"ports": _ports(port.number)} for port in workload.ports if port.published]
    incoming += [
        _rule("from", [{"namespaceSelector": {}}], port.number) for port in workload.ports if port.name == METRICS
    ]
    outgoing = [_rule("to", [_pods(scope, edge.server)], edge.port) for edge in own if edge.client == workload.name]
    outgoing += [
        _rule("to", [{"ipBlock": {"cidr": target.network}}] if target.network else _ANYWHERE, target.port)
        for target in graph.outside(workload)
    ]
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


def _rule(direction: str, peers: list[Manifest], port: int) -> Manifest:
    return {direction: peers, "ports": _ports(port)}


def _ports(number: int) -> list[Manifest]:
    return [{"port": number, "protocol": "TCP"}]


def _pods(scope: Scope, workload: str) -> Manifest:
    return {"podSelector": {"matchLabels": names.selector(scope.system.name, workload)}}
