"""The registry in which processes find each other: none for one process, keys in the embedded Valkey, or etcd. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint import valkey
from controller.blueprint.part import Part, Profile, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port

IMAGE = "quay.io/coreos/etcd:v3.5.21"
PREFIX = "CHATSYSTEM_REGISTRY"


def part(system: ChatSystem, profile: Profile) -> Part:
    declared = system.spec.stores.etcd
    if profile.shared_process:
        return Part(environment={f"{PREFIX}_URL": "none:"})
    if declared.external:
        url = f"etcd://{','.join(declared.external.endpoints)}{declared.external.prefix}"
        return external("etcd", PREFIX, declared.external, {f"{PREFIX}_URL": url})
    if profile.embedded or declared.managed is None:
        return valkey.part(system, profile, PREFIX, 2)
    workload = server(
        "etcd",
        declared.managed,
        image=IMAGE,
        port=Port("client", 2379),
        data="/var/lib/etcd",
        health="/health",
        environment={
            # A folder of its own, which etcd makes so that nobody else can read it.
            "ETCD_DATA_DIR": "{volume:etcd}/data",
            "ETCD_LISTEN_CLIENT_URLS": "http://0.0.0.0:2379",
            "ETCD_ADVERTISE_CLIENT_URLS": "http://{address:etcd:client}",
            # Old revisions of keys that replicas renew all the time would fill the volume.
            "ETCD_AUTO_COMPACTION_MODE": "periodic",
            "ETCD_AUTO_COMPACTION_RETENTION": "1h",
        },
    )
    return Part((workload,), (), {f"{PREFIX}_URL": "etcd://{address:etcd:client}/service"})
