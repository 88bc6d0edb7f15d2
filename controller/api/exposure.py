"""`spec.exposure`, `spec.network` and `spec.logging`: how people reach the system, how its parts reach each other, what they log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.api.model import Model
from controller.api.names import Hostname, ObjectName, Subnet
from controller.api.quantity import ShortSize, Validity
from controller.api.rules import Rule

PortNumber = Annotated[int, Field(ge=1, le=65535)]


class ExposureTls(Model):
    """Encryption of the public ports."""

    secret_name: ObjectName
    """Secret with the keys `tls.crt` and `tls.key`."""


class Exposure(Model):
    """The public ports. Nothing but these is published."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            at="websocket",
            reads=("http", "websocket"),
            holds=lambda http, websocket: http != websocket,
            cel="!has(self.http) || !has(self.websocket) || self.http != self.websocket",
            problem="http and websocket are the same port",
            remedy="give each a port of its own, for example 9000 and 9001",
        ),
        Rule(
            at="ingressClassName",
            reads=("ingressClassName", "type"),
            holds=lambda name, kind: name is None or kind == "Ingress",
            cel="!has(self.ingressClassName) || !has(self.type) || self.type == 'Ingress'",
            problem="ingressClassName has no effect with this type",
            remedy="set type: Ingress or remove ingressClassName",
        ),
        Rule(
            at="hostname",
            reads=("hostname", "type"),
            holds=lambda name, kind: name is not None or kind != "Ingress",
            cel="has(self.hostname) || !has(self.type) || self.type != 'Ingress'",
            problem="an Ingress needs a host name",
            remedy="set hostname, for example chat.example.com",
        ),
    )

    http: PortNumber = 9000
    """Port of HTTP and the web client."""

    websocket: PortNumber = 9001
    """Port of the WebSocket."""

    type: Literal["LoadBalancer", "NodePort", "ClusterIP", "Ingress"] = "LoadBalancer"
    """Kubernetes: kind of the gateway's Service, or an Ingress in front of it."""

    edge: Literal["Proxy", "Ingress", "Host"] = "Proxy"
    """Swarm: how the ports reach the gateways. `Proxy`: a proxy on each node, no connection fails during a release. `Ingress`:
    Swarm's routing mesh. `Host`: the ports of the nodes where gateways run."""

    hostname: Hostname | None = None
    """Name under which people open the system."""

    ingress_class_name: ObjectName | None = None
    """Kubernetes: class of the Ingress."""

    annotations: Mapping[str, str] = {}
    """Kubernetes: annotations of the Service or Ingress, for example those of a cloud's load balancer."""

    tls: ExposureTls | None = None
    """Encrypts the public ports."""


class NetworkTls(Model):
    """Encryption of the calls between the services: both sides show a certificate. Without `secretName` the controller makes an
    authority of the system's own, issues the certificates and renews both in time."""

    secret_name: ObjectName | None = None
    """Secret with the keys `ca.crt`, `tls.crt` and `tls.key`, where the certificate comes from somewhere else. The DNS name
    `chatsystem-services` has to stand in it, and it has to be good for servers and clients."""

    validity: Validity = "90d"
    """How long a certificate of the controller's is valid. It is renewed when two thirds of that are over."""


class Network(Model):
    """The network between the components, on targets that make one."""

    name: ObjectName | None = None
    """Name of the overlay network. Left out: the name of the system and `-net`."""

    subnet: Subnet | None = None
    """Addresses of the overlay network. Left out: the platform chooses."""

    mtu: Annotated[int, Field(ge=576, le=9216)] | None = None
    """Largest packet, in bytes. Left out: the platform's."""

    encrypted: bool = False
    """Encrypts traffic between nodes (IPsec; UDP and ESP have to pass between them)."""

    attachable: bool = False
    """Lets containers outside the system join the network."""

    tls: NetworkTls | None = None
    """Encrypts the calls between the services, where they are processes of their own. `tls: {}` is enough."""

    endpoint_mode: Literal["dnsrr", "vip"] = "dnsrr"
    """Swarm: how a name is resolved. `dnsrr`: to the addresses of healthy replicas. `vip`: to one virtual address (IPVS)."""


class Logging(Model):
    """What the components log, and how much of it is kept."""

    driver: Literal["json-file", "local", "journald", "syslog", "fluentd", "gelf", "none"] = "json-file"
    """Swarm: Docker's log driver."""

    max_size: ShortSize = "10m"
    """Size at which a log file is rotated: `10m` is 10 MiB."""

    max_file: Annotated[int, Field(ge=1, le=1000)] = 3
    """Files that are kept of one replica, the current one included."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that the services log."""
