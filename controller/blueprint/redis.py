"""Cache, login sessions and presence: in the embedded Valkey, or a Redis server. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import bytes_of
from controller.api.stores import ManagedRedis
from controller.blueprint import valkey
from controller.blueprint.part import Part, Profile, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Secret

IMAGE = "valkey/valkey:8.1"
PREFIX = "CHATSYSTEM_CACHE"
SCRIPT = """\
server=$(command -v valkey-server || command -v redis-server)
exec "$server" "$@" - <<END
requirepass "$(cat "$PASSWORD_FILE")"
END
"""
"""Neither image reads a password from a file. The server reads this setting from its input, so that it is in no argument and on no disk."""
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
        script=SCRIPT,
        arguments=arguments(declared.managed),
        user=999,
        secrets={"PASSWORD_FILE": (SECRET.name, "password")},
    )
    return Part(
        (workload,),
        (SECRET,),
        {f"{PREFIX}_URL": "redis://{address:redis:client}/0"},
        {f"{PREFIX}_PASSWORD_FILE": (SECRET.name, "password")},
    )


def arguments(managed: ManagedRedis) -> tuple[str, ...]:
    settings = managed
    if managed.max_memory is None and managed.resources.limits.memory:
        # The rest is for connections, and for the copy that a snapshot needs.
        bound = bytes_of(managed.resources.limits.memory) * 3 // 4
        settings = managed.model_copy(update={"max_memory": str(bound)})
    return tuple(text.replace("{volume:valkey}", "{volume:redis}") for text in valkey.arguments(settings))
