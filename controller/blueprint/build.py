"""The table of contents of a blueprint: everything that a ChatSystem needs, in the order in which it becomes healthy. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import seconds_of
from controller.blueprint import (
    elasticsearch,
    etcd,
    file,
    files,
    friend,
    gateway,
    migration,
    mysql,
    rabbitmq,
    redis,
    service,
    speech,
    store,
    transmit,
    user,
)
from controller.blueprint.part import Part, Profile
from controller.blueprint.workload import Blueprint, Secret, Workload
from services.catalogue import BY_NAME

# Stores come first: a service that starts without its store would only wait. The database leads, because the migration
# needs it alone and can begin while the others start.
STORES: dict[str, Callable[[ChatSystem, Profile], Part]] = {
    "mysql": mysql.part,
    "redis": redis.part,
    "rabbitmq": rabbitmq.part,
    "elasticsearch": elasticsearch.part,
    "etcd": etcd.part,
    "files": files.part,
}

# Then the migration, because a service must not see an older schema. Then the services, each after those it calls, and the
# gateway last: once it takes connections, whatever a person does can be answered.
SERVICES: dict[str, Callable[[ChatSystem], service.Shape]] = {
    "speech": speech.shape,
    "file": file.shape,
    "user": user.shape,
    "transmit": transmit.shape,
    "store": store.shape,
    "friend": friend.shape,
    "gateway": gateway.shape,
}


def build(system: ChatSystem, profile: Profile) -> Blueprint:
    parts = {name: make(system, profile) for name, make in STORES.items()}
    workloads: dict[str, Workload] = {}
    secrets: dict[str, Secret] = {}
    for part in parts.values():
        # Embedded stores share a server: the first one brings it, the others find it there.
        workloads |= {workload.name: workload for workload in part.workloads if workload.name not in workloads}
        _need(secrets, part.secrets)
    job = migration.workload(system, profile, parts["mysql"])
    workloads[job.name] = job

    counts = service.enabled(system, profile)
    shapes = {name: SERVICES[name](system) for name in counts}
    for shape in shapes.values():
        _need(secrets, shape.secrets)
    if profile.shared_process and shapes:
        workloads[service.SHARED] = service.workload(system, profile, shapes, parts, name=service.SHARED, replicas=1)
    elif shapes:
        secrets[service.RPC_SECRET.name] = service.RPC_SECRET
        if tls := service.tls_secret(system):
            secrets[tls.name] = tls
        for name, count in counts.items():
            called = [other for other in BY_NAME[name].depends_on if other in counts]
            workloads[name] = service.workload(
                system, profile, {name: shapes[name]}, parts, name=name, replicas=count, called=called
            )
    if system.spec.suspend:
        workloads = {name: replace(workload, replicas=0) for name, workload in workloads.items()}
    return Blueprint(
        system.name,
        tuple(workloads.values()),
        tuple(secrets.values()),
        tuple(part.external for part in parts.values() if part.external is not None),
        seconds_of(system.spec.release.timeout),
    )


def _need(secrets: dict[str, Secret], more: Iterable[Secret]) -> None:
    """One secret of a person's may serve several purposes, each with keys of its own."""
    for secret in more:
        known = secrets.get(secret.name, secret)
        secrets[secret.name] = replace(secret, keys=tuple(dict.fromkeys((*known.keys, *secret.keys))))
