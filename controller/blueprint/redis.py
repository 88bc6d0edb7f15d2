"""Cache, login sessions and presence: in the embedded Valkey, or a Redis server. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint import valkey
from controller.blueprint.part import Part, Profile, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Secret

IMAGE = "valkey/valkey:8.1"
PREFIX = "CHATSYSTEM_CACHE"
SECRET = Secret("redis", ("password",))


def part(system: ChatSystem, profile: Profile) -> Part:
    declared = system.spec.stores.redis
    if declared.external:
        url = f"redis://{','.join(declared.external.endpoints)}/{declared.external.database}"
        return external("redis", PREFIX, declared.external, {f"{PREFIX}_URL": url})
    if profile.embedded or declared.managed is None:
        return valkey.part(system, profile, PREFIX, 0)
    workload = server(
        "redis",
        declared.managed,
        image=IMAGE,
        port=Port("client", 6379),
        data="/data",
        arguments=tuple(
            text.replace("{volume:valkey}", "{volume:redis}") for text in valkey.arguments(declared.managed)
        ),
        secrets={"PASSWORD_FILE": (SECRET.name, "password")},
    )
    return Part(
        (workload,),
        (SECRET,),
        {f"{PREFIX}_URL": "redis://{address:redis:client}/0"},
        {f"{PREFIX}_PASSWORD_FILE": (SECRET.name, "password")},
    )
