"""What the seven services have in common: one program, found by its arguments, told by its environment. Pure.

A service module states in `shape` what is peculiar to it. One workload hosts one service, or several in one process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import seconds_of, short_bytes_of
from controller.api.services import environment_of
from controller.blueprint import migration
from controller.blueprint.image import image_of
from controller.blueprint.part import Part, Profile
from controller.blueprint.placing import placement_of, resources_of, scaling_of
from controller.blueprint.workload import Certificate, Kind, Placement, Port, Probe, Resources, Secret, Volume, Workload
from services.catalogue import BY_NAME

SHARED = "services"
"""Name of the workload that hosts all services in one process."""
RPC_SECRET = Secret("rpc", ("secret",))
DATABASE, REGISTRY = "mysql", "etcd"
DISPENSABLE = frozenset({"elasticsearch"})
"""Stores that a service can be without: the database answers searches while the index is away."""
TLS_NAME = "chatsystem-services"
"""The one name in every certificate, because replicas are found by addresses that change (services/runtime/rpc_tls.py)."""
_TLS_FILES = {"CA_FILE": "ca.crt", "CERT_FILE": "tls.crt", "KEY_FILE": "tls.key"}


@dataclass(frozen=True)
class Shape:
    """What one service has beyond the others."""

    ports: tuple[Port, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()


def tls_secret(system: ChatSystem) -> Secret | None:
    """What calls between processes are encrypted with; None: they are not."""
    tls = system.spec.network.tls
    if tls is None:
        return None
    keys = tuple(_TLS_FILES.values())
    if tls.secret_name is not None:
        return Secret(tls.secret_name, keys, generated=False)
    return Secret("rpc-tls", keys, certificate=Certificate(TLS_NAME, seconds_of(tls.validity)))


def enabled(system: ChatSystem, profile: Profile) -> dict[str, int]:
    """The services that are to run, with their replicas, dependencies first."""
    counts = {}
    for name, service in system.spec.services.by_name().items():
        declared = service.replicas_if_declared
        counts[name] = declared if declared is not None else service.replicas if profile.schedules else 1
    return {name: count for name, count in counts.items() if count > 0}


def workload(
    system: ChatSystem,
    profile: Profile,
    hosted: Mapping[str, Shape],
    stores: Mapping[str, Part],
    *,
    name: str,
    replicas: int,
    called: Sequence[str] = (),
) -> Workload:
    """One workload for the services `hosted`, in dependency order. `stores` by the catalogue's names; `called`: the workloads of services
    that these call."""
    services = system.spec.services.by_name()
    one = services[next(iter(hosted))] if len(hosted) == 1 else None
    environment = {
        "CHATSYSTEM_INSTANCE": "{instance}",
        "CHATSYSTEM_HOST": profile.address,
        "CHATSYSTEM_RPC_HOST": profile.rpc_address,
        "CHATSYSTEM_METRICS_HOST": profile.metrics_address,
        "CHATSYSTEM_METRICS_PORT": "{port:metrics}",
        "CHATSYSTEM_LOG_LEVEL": system.spec.logging.level,
    }
    secrets: dict[str, tuple[str, str]] = {}
    ports: list[Port] = []
    volumes: dict[str, Volume] = {}
    # A process is told of the stores that its services have and of no others: what it does not know, nobody can steal from it.
    own = {store for service in hosted for store in BY_NAME[service].stores} | {REGISTRY}
    told = [store for name, store in stores.items() if name in own]
    waits = [*dict.fromkeys(needed for store in told for needed in store.names)]
    if DATABASE in own:
        waits.append(migration.NAME)
    for store in told:
        environment |= store.environment
        secrets |= store.secret_files
        volumes |= {volume.name: volume for volume in store.volumes}
    if not profile.shared_process:
        secrets["CHATSYSTEM_RPC_SECRET_FILE"] = (RPC_SECRET.name, RPC_SECRET.keys[0])
        if tls := tls_secret(system):
            secrets |= {f"CHATSYSTEM_RPC_TLS_{name}": (tls.name, key) for name, key in _TLS_FILES.items()}
    for service, shape in hosted.items():
        environment |= {**shape.environment, **environment_of(service, services[service])}
        secrets |= shape.secret_files
        ports += shape.ports
        if not profile.shared_process and BY_NAME[service].websocket_port is None:
            ports.append(Port("rpc", BY_NAME[service].port))
            environment[f"CHATSYSTEM_{service.upper()}_PORT"] = "{port:rpc}"
    for service in hosted:
        # What the person wrote wins.
        environment |= services[service].environment
    # The public ports are the person's to choose, this one is not: it makes room.
    taken = {port.number for port in ports}
    metrics = next(number for number in count(BY_NAME[next(iter(hosted))].metrics_port) if number not in taken)
    ports.append(Port("metrics", metrics))
    scheduled = one if profile.schedules else None
    return Workload(
        name=name,
        kind=Kind.SERVICE,
        image=image_of(system),
        version=system.spec.version,
        components=tuple(hosted),
        replicas=replicas,
        scaling=scaling_of(scheduled.autoscaling) if scheduled else None,
        arguments=tuple(hosted),
        environment=environment,
        secrets=secrets,
        ports=tuple(ports),
        ready=Probe("metrics", "/readyz"),
        live=Probe("metrics", "/healthz", interval=5.0, deadline=30.0),
        volumes=tuple(volumes.values()),
        resources=resources_of(scheduled.resources) if scheduled else Resources(),
        placement=placement_of(scheduled.placement) if scheduled else Placement(),
        depends_on=(*waits, *called),
        external=tuple(
            store.external.name for store in told if store.external and store.external.name not in DISPENSABLE
        ),
        stop_grace=max(seconds_of(services[service].stop_grace) for service in hosted),
        log_max_size=short_bytes_of(system.spec.logging.max_size),
        log_max_files=system.spec.logging.max_file,
    )
