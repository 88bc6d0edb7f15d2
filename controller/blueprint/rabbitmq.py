"""The queue between the services: streams in the embedded Valkey, or RabbitMQ. Pure.

The image is Docker's official one, which no longer reads passwords from files by itself. What the server reads:
https://www.rabbitmq.com/docs/3.13/configure#supported-environment-variables
"""

from __future__ import annotations

from urllib.parse import quote

from controller.api.chatsystem import ChatSystem
from controller.blueprint import valkey
from controller.blueprint.part import Part, Profile, credentials, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Scratch, Secret

PREFIX = "CHATSYSTEM_QUEUE"
HOME = "/run/rabbitmq"
SCRIPT = """\
umask 077
rm -f "$HOME/.erlang.cookie"
cp "$ERLANG_COOKIE_FILE" "$HOME/.erlang.cookie"
chmod 400 "$HOME/.erlang.cookie"
printf 'default_user = %s\\ndefault_pass = %s\\n' "$(cat "$USERNAME_FILE")" "$(cat "$PASSWORD_FILE")" > "$RABBITMQ_CONFIG_FILE"
exec rabbitmq-server "$@"
"""
"""Erlang refuses a cookie that its owner's group could read, as it could every file of a volume that is given to a group. So the
server's home is in memory, beside the user and the password that a new database is made with."""
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
        script=SCRIPT,
        user=999,
        # Some of what it says goes into files, whatever it is told.
        scratch=(Scratch(HOME, memory=True), Scratch("/var/log/rabbitmq")),
        environment={
            "HOME": HOME,
            "RABBITMQ_CONFIG_FILE": f"{HOME}/rabbitmq.conf",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{HOME}/generated",
            "RABBITMQ_MNESIA_BASE": "{volume:rabbitmq}/mnesia",
            # The data belongs to the node's name; that of the machine may change.
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_LOGS": "-",
            # One node needs no others: their ports listen on nothing that is reached from outside.
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        },
        secrets={
            "USERNAME_FILE": (SECRET.name, "username"),
            "PASSWORD_FILE": (SECRET.name, "password"),
            "ERLANG_COOKIE_FILE": (SECRET.name, "cookie"),
        },
        more_ports=(Port("management", 15672),) if management else (),
    )
    return Part((workload,), (SECRET,), {f"{PREFIX}_URL": "amqp://{address:rabbitmq:amqp}/%2F"}, files)
