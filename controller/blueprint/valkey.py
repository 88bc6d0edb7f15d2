"""The one Valkey server that stands for Redis, RabbitMQ and etcd where stores are embedded. Pure.

Its arguments are Valkey's own settings (https://valkey.io/topics/valkey.conf/); the password is not among them: it
reaches the server as a file.
"""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import bytes_of
from controller.api.stores import ManagedRedis
from controller.blueprint.part import Part, Profile
from controller.blueprint.workload import Kind, Port, Probe, Secret, Update, Volume, Workload

NAME = "valkey"
IMAGE = "valkey"
SECRET = Secret(NAME, ("password",))
_ANSWERS = Probe("client", ask="PING", deadline=30.0)
"""Without the password the answer is a refusal, which shows as well that the server is not hung."""


def part(system: ChatSystem, profile: Profile, prefix: str, database: int) -> Part:
    """What a store gets that lives in it: `<prefix>_URL` and its password. Each has a numbered database of its own."""
    return Part(
        workloads=(workload(system, profile),),
        secrets=(SECRET,),
        environment={f"{prefix}_URL": f"redis://{{address:{NAME}:client}}/{database}"},
        secret_files={f"{prefix}_PASSWORD_FILE": (NAME, "password")},
    )


def workload(system: ChatSystem, profile: Profile) -> Workload:
    stores = system.spec.stores
    settings = stores.redis.managed or ManagedRedis()
    hosted = ["redis"] if stores.redis.managed else []
    hosted += ["rabbitmq"] if stores.rabbitmq.managed else []
    hosted += ["etcd"] if stores.etcd.managed and not profile.shared_process else []
    return Workload(
        name=NAME,
        kind=Kind.STORE,
        image=IMAGE,
        components=tuple(hosted),
        # The outbox lets go of an event when the queue has it: then it has to be on the disk.
        arguments=arguments(settings, fsync="always" if stores.rabbitmq.managed else "everysec"),
        secrets={"PASSWORD_FILE": (NAME, "password")},
        ports=(Port("client", 6379),),
        ready=_ANSWERS,
        live=_ANSWERS,
        volumes=(Volume(NAME, "/data"),),
        update=Update.STOP_FIRST,
        stop_grace=20.0,
    )


def arguments(settings: ManagedRedis, *, fsync: str = "everysec") -> tuple[str, ...]:
    """Eviction is off: sessions and queued events are data, not a cache. `fsync` as in Valkey's appendfsync."""
    persistence = {
        "none": ("--appendonly", "no", "--save", ""),
        "rdb": ("--appendonly", "no", "--save", "60 1"),
        "aof": ("--appendonly", "yes", "--appendfsync", fsync, "--save", ""),
    }[settings.persistence]
    memory = ("--maxmemory", str(bytes_of(settings.max_memory))) if settings.max_memory else ()
    common = ("--port", "{port:client}", "--dir", f"{{volume:{NAME}}}", "--maxmemory-policy", "noeviction")
    return (*common, *persistence, *memory)
