"""Who talks to whom: the edges that network policies are drawn from. Pure.

There are three sources, and each is what really makes a connection: the addresses that a workload is told (stores of the system, and servers outside
of it), and the calls between services, which find each other in the registry.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from controller.blueprint.workload import Blueprint, Workload
from controller.targets.kubernetes.render.references import addresses, without_addresses
from services.catalogue import BY_NAME

RPC = "rpc"
_PORTS = {"http": 80, "https": 443, "s3": 443, "mysql": 3306, "redis": 6379, "amqp": 5672, "etcd": 2379}
"""Where the schemes of addresses lead that name no port."""

_OWN = ("0.0.0.0", "::", "localhost", "127.0.0.1", "::1")
"""Where a process itself listens."""


@dataclass(frozen=True, order=True)
class Edge:
    """Pods of `client` connect to this port of pods of `server`; both are names of workloads."""

    client: str
    server: str
    port: int


def edges(blueprint: Blueprint) -> tuple[Edge, ...]:
    found = set()
    for client in blueprint.workloads:
        for name, port in addresses(client):
            server = blueprint.workload(name)
            if server is not None and server is not client:
                found.add(Edge(client.name, name, _number(server, port)))
        for server in blueprint.workloads:
            # A service may call replicas of itself, too: what it hosts is not known by its callers.
            if server is not client and _calls(client, server):
                found.add(Edge(client.name, server.name, _number(server, RPC)))
    return tuple(sorted(found))


def _calls(client: Workload, server: Workload) -> bool:
    if all(port.name != RPC for port in server.ports):
        return False
    called = {name for component in client.components if component in BY_NAME for name in BY_NAME[component].depends_on}
    return bool(called & set(server.components))


def _number(workload: Workload, name: str) -> int:
    return next(port.number for port in workload.ports if port.name == name)


def outside(workload: Workload) -> tuple[tuple[str, int], ...]:
    """The servers outside of the system that its environment names by URL: network and port. The network is empty where an address is a
    name: a policy cannot say to which addresses a name leads."""
    hosts = (found for text in workload.environment.values() for found in _hosts(without_addresses(text)))
    return tuple(sorted({(_network(host), port) for host, port in hosts}))


def _hosts(text: str) -> Iterator[tuple[str, int]]:
    """Every host and port of one URL, of several with commas between them, and of one URL with several hosts."""
    scheme = ""
    for part in text.split(","):
        piece = part.strip()
        if "://" in piece:
            scheme = piece.partition("://")[0]
        elif scheme:
            piece = f"{scheme}://{piece}"
        if scheme not in _PORTS:
            continue
        try:
            parts = urlsplit(piece)
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host and host not in _OWN:
            # The host of a bucket is its name; the storage itself is wherever its provider says.
            yield ("" if scheme == "s3" else host), port or _PORTS[scheme]


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    return f"{address}/{address.max_prefixlen}"
