"""The check of RabbitMQ: version, virtual host, and the rights to configure, write and read, by an exchange and a queue that
are gone with the connection."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aio_pika
from aio_pika import ExchangeType
from aiormq.exceptions import ChannelAccessRefused

from services.checks.finding import (
    DENIED,
    FULL,
    INCOMPLETE,
    TLS,
    UNHEALTHY,
    UNREACHABLE,
    UNSUPPORTED,
    Finding,
    Refused,
    Report,
    Wanted,
    error,
    shown,
    version_of,
)
from services.checks.reach import speaks_tls, wants_tls, ways
from services.stores.access import Address, addresses
from services.stores.ports import StoreError
from services.stores.rabbitmq_link import Link, answered
from services.stores.rabbitmq_topology import PREFIX

OLDEST = (3, 10)


async def check(wanted: Wanted) -> Report:
    """Raises Refused."""
    nodes = addresses(wanted.url)
    numbers, findings = await ways(nodes, wanted.access, wanted.timeout)
    node = nodes[numbers[0]]
    host = f"[{node[0]}]" if ":" in node[0] else node[0]
    virtual_host = unquote(urlsplit(wanted.url).path[1:]) or "/"
    link = Link(
        f"amqp://{host}:{node[1]}/{quote(virtual_host, safe='')}", wanted.access, name="check", timeout=wanted.timeout
    )
    opened = False
    try:
        channel = await link.channel()
        opened = True
        properties: Any = (await channel.get_underlay_channel()).connection.server_properties
        product, version = (_text(properties.get(key)) for key in ("product", "version"))
        if product == "RabbitMQ" and version_of(version) < OLDEST:
            text = f"RabbitMQ {version} is too old"
            findings.append(error(UNSUPPORTED, f"endpoints[{numbers[0]}]", text, "use RabbitMQ 3.10 or later"))
        else:
            await _try_rights(channel, wanted.timeout)
    except StoreError as failure:
        silent = not opened and isinstance(failure.__cause__, TimeoutError)
        if silent:
            raise Refused(_no_amqp(node, numbers[0]), *findings) from failure
        raise Refused(await _refusal(failure, node, numbers[0], wanted, virtual_host), *findings) from failure
    finally:
        await link.close()
    return Report(f"{product} {version}", shown(node), findings=tuple(findings))


async def _try_rights(channel: Any, timeout: float) -> None:
    """Does once what the services do. Raises StoreError."""
    name = f"{PREFIX}check.{secrets.token_hex(8)}"
    exchange = await answered(channel.declare_exchange(name, ExchangeType.FANOUT, auto_delete=True), timeout)
    queue = await answered(channel.declare_queue(name, exclusive=True, auto_delete=True), timeout)
    await answered(queue.bind(exchange), timeout)
    await answered(exchange.publish(aio_pika.Message(b"check"), ""), timeout)
    await answered(queue.get(no_ack=True, fail=False), timeout)
    await answered(queue.delete(if_unused=False, if_empty=False), timeout)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "?")


async def _refusal(failure: StoreError, node: Address, number: int, wanted: Wanted, virtual_host: str) -> Finding:
    user, words = wanted.access.username or "guest", str(failure)
    cause = failure.__cause__
    if isinstance(cause, ChannelAccessRefused):
        remedy = rf"rabbitmqctl set_permissions -p {virtual_host} {user} '^chatsystem\..*' " + (
            r"'^(chatsystem\..*|amq\.default)$' '^chatsystem\..*'"
        )
        return error(DENIED, "secretName", f"the user {user} lacks a right in the virtual host {virtual_host}", remedy)
    if "user name or the password" in words:
        text = f"{shown(node)} refuses the user {user} or its password"
        remedy = "correct username and password in the secret"
        if not wanted.access.username:
            remedy = "put username and password into a secret, and name it in secretName"
        return error(DENIED, "secretName", text, remedy)
    if "virtual host" in words:
        text = f"the virtual host {virtual_host} does not exist, or is not open to the user {user}"
        remedy = f"rabbitmqctl add_vhost {virtual_host}, and give {user} its permissions there"
        return error(INCOMPLETE, "virtualHost", text, remedy)
    if "encrypted" in words:
        return error(TLS, "tls", f"{shown(node)}: {words}", "correct tls")
    if isinstance(cause, TimeoutError):
        text = f"{shown(node)} answers, but takes no message: it is short of memory or disk"
        return error(FULL, "", text, "see `rabbitmq-diagnostics alarms`, and make room")
    if wanted.access.tls is None and await speaks_tls(node, wanted.timeout):
        return wants_tls(node)
    if "cannot be reached" in words:
        return _no_amqp(node, number)
    return error(UNHEALTHY, f"endpoints[{number}]", f"{shown(node)}: {words}", "see its log")


def _no_amqp(node: Address, number: int) -> Finding:
    text = f"{shown(node)} does not speak AMQP 0-9-1, or not in time"
    return error(
        UNREACHABLE, f"endpoints[{number}]", text, "correct the address; the usual port is 5672, with TLS 5671"
    )
