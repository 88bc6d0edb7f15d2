"""The check of the external stores: one run of the services' program that looks at them as the services would. Pure.

It belongs to no declaration and leaves nothing behind, so it is not among a blueprint's workloads.
"""

from __future__ import annotations

from collections.abc import Collection

from controller.blueprint.workload import Blueprint, Kind, Workload
from services.catalogue import BY_NAME, POOL_SIZE

NAME = "store-check"
SPARE = 3
"""Connections to the database for a migration, this check and a person."""


def workload(blueprint: Blueprint, names: Collection[str]) -> Workload:
    """A run that checks the external stores of these names. It prints a line of JSON for each."""
    chosen = [store for store in blueprint.external if store.name in names]
    like = next(item for item in blueprint.workloads if item.kind is not Kind.STORE)
    environment: dict[str, str] = {}
    secrets: dict[str, tuple[str, str]] = {}
    for store in chosen:
        environment |= store.environment
        secrets |= store.secrets
    return Workload(
        name=NAME,
        kind=Kind.JOB,
        image=like.image,
        version=like.version,
        arguments=("check-stores", "--connections", str(connections(blueprint)), *(store.name for store in chosen)),
        environment=environment,
        secrets=secrets,
    )


def connections(blueprint: Blueprint) -> int:
    """What the services need of the database at most: the pool of every replica, and those of one more while it takes the
    place of another."""
    hosts = [item for item in blueprint.workloads if item.kind is Kind.SERVICE and item.replicas]
    pools = [_pool(item) for item in hosts]
    return sum(pool * item.replicas for pool, item in zip(pools, hosts, strict=True)) + max(pools, default=0) + SPARE


def _pool(host: Workload) -> int:
    """Several services in one process share the largest of their pools; a process without a database has none."""
    pooling = [name for name in host.components if name in BY_NAME and POOL_SIZE in BY_NAME[name].config]
    written = [host.environment.get(POOL_SIZE.variable(service), POOL_SIZE.default) for service in pooling]
    return max((int(size) for size in written if size.isdecimal()), default=0)
