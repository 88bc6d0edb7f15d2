"""The queue between the services: streams in the embedded Valkey, or RabbitMQ. Pure."""

from __future__ import annotations

from urllib.parse import quote

from controller.api.chatsystem import ChatSystem
from controller.blueprint import valkey
from controller.blueprint.part import Part, Profile, credentials, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Secret

PREFIX = "CHATSYSTEM_QUEUE"
SECRET = Secret("rabbitmq", ("username", "password", "cookie"))


def part(system: ChatSystem, profile: Profile) -> Part:
    declared = system.spec.stores.rabbitmq
    if declared.external:
        # The virtual host is one path segment: https://www.rabbitmq.com/docs/uri-spec
        url = f"amqp://{','.join(declared.external.endpoints)}/{quote(declared.external.virtual_host, safe='')}"
        return external("rabbitmq", PREFIX, declared.external, {f"{PREFIX}_URL": url})
    if profile.embedded or declared.managed is None:
        return valkey.part(system, profile, PREFIX, 1)
    management = declared.managed.management
    _, files = credentials(PREFIX, SECRET.name)
    workload = server(
        "rabbitmq",
        declared.managed,
        image="rabbitmq:3.13-management" if management else "rabbitmq:3.13",
        port=Port("amqp", 5672),
        data="/var/lib/rabbitmq",
        secrets={
            "RABBITMQ_DEFAULT_USER_FILE": (SECRET.name, "username"),
            "RABBITMQ_DEFAULT_PASS_FILE": (SECRET.name, "password"),
            "RABBITMQ_ERLANG_COOKIE_FILE": (SECRET.name, "cookie"),
        },
        more_ports=(Port("management", 15672),) if management else (),
    )
    return Part((workload,), (SECRET,), {f"{PREFIX}_URL": "amqp://{address:rabbitmq:amqp}/%2F"}, files)
