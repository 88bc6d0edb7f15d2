"""A managed store as a server of its own: what the six have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.quantity import bytes_of, seconds_of
from controller.api.stores import ManagedStore
from controller.blueprint.placing import placement_of, resources_of
from controller.blueprint.workload import Kind, Port, Probe, Update, Volume, Workload


def server(
    name: str,
    managed: ManagedStore,
    *,
    image: str,
    port: Port,
    data: str,
    arguments: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, tuple[str, str]] | None = None,
    more_ports: tuple[Port, ...] = (),
) -> Workload:
    """`image` is the one this version was tested with, as repository:tag; the declaration may name another. `data` is
    where the server keeps its data."""
    repository, _, tag = image.rpartition(":")
    version = managed.version or tag
    chosen = managed.image or f"{repository}:{version}"
    return Workload(
        name=name,
        kind=Kind.STORE,
        image=chosen,
        version=chosen.rpartition(":")[2],
        components=(name,),
        arguments=arguments,
        environment=environment or {},
        secrets=secrets or {},
        ports=(port, *more_ports),
        ready=Probe(port.name),
        volumes=(Volume(name, data, bytes_of(managed.storage), managed.storage_class),),
        resources=resources_of(managed.resources),
        placement=placement_of(managed.placement),
        update=Update.STOP_FIRST,
        stop_grace=seconds_of(managed.stop_grace),
    )
