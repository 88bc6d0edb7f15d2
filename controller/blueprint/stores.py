"""A managed store as a server of its own: what the six have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.quantity import bytes_of, seconds_of
from controller.api.stores import ManagedStore
from controller.blueprint.placing import placement_of, resources_of
from controller.blueprint.workload import Kind, Port, Probe, Scratch, Update, Volume, Workload

START = 180.0
"""Seconds that a server may take for its first start, in which it creates its data on a disk that may be slow."""


def server(
    name: str,
    managed: ManagedStore,
    *,
    image: str,
    port: Port,
    data: str,
    script: str = "",
    arguments: tuple[str, ...] = (),
    user: int | None = None,
    group: int | None = None,
    scratch: tuple[Scratch, ...] = (),
    health: str | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, tuple[str, str]] | None = None,
    more_ports: tuple[Port, ...] = (),
) -> Workload:
    """`image` is the one this version was tested with, as repository:tag; the declaration may name another. `data` is
    where the server keeps its data, `script` a text for the shell that starts the server in place of what the image would start, with
    `arguments` as its own; `health` the path at which it says over HTTP whether it is healthy."""
    repository, _, tag = image.rpartition(":")
    version = managed.version or tag
    chosen = managed.image or f"{repository}:{version}"
    return Workload(
        name=name,
        kind=Kind.STORE,
        image=chosen,
        version=chosen.rpartition(":")[2],
        components=(name,),
        command=("sh", "-ec", script, name) if script else (),
        arguments=arguments,
        user=user,
        group=group,
        environment=environment or {},
        secrets=secrets or {},
        ports=(port, *more_ports),
        ready=Probe(port.name, health, deadline=START),
        volumes=(Volume(name, data, bytes_of(managed.storage), managed.storage_class),),
        scratch=scratch,
        resources=resources_of(managed.resources),
        placement=placement_of(managed.placement),
        update=Update.STOP_FIRST,
        stop_grace=seconds_of(managed.stop_grace),
    )
