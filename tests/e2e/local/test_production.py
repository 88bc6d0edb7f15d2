"""A system as in production, by declaration: five external stores, several replicas of every service, several gateways on
the same public ports. It grows, shrinks and is restarted while people talk, and nobody notices."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed.certificates import authority
from tests.testbed.client import Api, Person
from tests.testbed.process import wait_for
from tests.testbed.product import Product
from tests.testbed.production import ProductionStores, production_stores
from tests.testbed.redis import Redis
from tests.testbed.scrape import Scrape
from tests.testbed.traffic import Traffic

SOME = 60
"""Messages between two events."""
BUSY = ("chatsystem_gateway_requests_total", "chatsystem_gateway_websocket_connections")
REPLICATED = ("gateway", "transmit", "store", "user", "friend", "file")


@pytest.fixture(scope="module")
def stores() -> Iterator[ProductionStores]:
    with production_stores() as running:
        yield running


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[list[Redis]]:
    """A primary and its replica that only take encrypted connections with a certificate."""
    company = authority(tmp_path / "ca")
    primary = Redis(tmp_path / "redis-1", authority=company).start()
    replica = Redis(tmp_path / "redis-2", authority=company, replica_of=primary).start()
    yield [primary, replica]
    for server in (primary, replica):
        server.process.stop()


def encrypted(servers: list[Redis]) -> tuple[dict[str, object], dict[str, dict[str, str]]]:
    """`spec.stores.redis` for them, and the secrets that it names."""
    access = servers[0].access
    assert access.tls is not None
    external = {
        # The replica is named first: the primary has to be looked for.
        "endpoints": [server.address for server in reversed(servers)],
        "secretName": "redis-client",
        "tls": {"caSecret": "redis-ca", "clientSecret": "redis-certificate"},
    }
    secrets = {
        "redis-client": {"username": access.username, "password": access.password},
        "redis-ca": {"ca.crt": Path(access.tls.ca_file).read_text()},
        "redis-certificate": {
            "tls.crt": Path(access.tls.certificate_file).read_text(),
            "tls.key": Path(access.tls.key_file).read_text(),
        },
    }
    return {"external": external}, secrets


@pytest.fixture
def product(tmp_path: Path, stores: ProductionStores, redis: list[Redis]) -> Iterator[Product]:
    declared, secrets = encrypted(redis)
    one = Product(
        tmp_path,
        local={"processes": "PerService"},
        stores=stores.external() | {"redis": declared},
    )
    for name in REPLICATED:
        one.spec["services"].setdefault(name, {})["replicas"] = 2
    one.spec["services"]["speech"] = {"replicas": 0}
    for name, values in (stores.secrets() | secrets).items():
        one.provide(name, values)
    try:
        yield one.up()
    finally:
        one.delete()


async def apply(product: Product) -> None:
    await asyncio.to_thread(product.apply)


async def until_every_gateway(product: Product, traffic: Traffic) -> None:
    """Opens connections until each gateway has answered requests and holds WebSockets: the kernel deals them out."""
    ports = product.ports("gateway", "metrics")
    opened: list[Person] = []
    for _ in range(50):
        api = Api(product.host, product.http_port, product.websocket_port)
        person = replace(traffic.members[0].person, api=api, devices=[])
        opened.append(person)
        await person.call("get_user_info")
        await person.connect()
        scraped = [await asyncio.to_thread(Scrape, port) for port in ports]
        if all(each.total(name) for each in scraped for name in BUSY):
            break
    else:
        raise AssertionError("a gateway got no connections")
    for person in opened:
        for device in person.devices:
            await device.close()
        await person.api.close()


@pytest.mark.timeout(300)
async def test_a_system_grows_shrinks_and_is_restarted_while_messages_flow(product: Product) -> None:
    assert len(product.pids()) == 2 * len(REPLICATED)
    traffic = Traffic(Api(product.host, product.http_port, product.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)
    await until_every_gateway(product, traffic)

    product.scale(gateway=3, transmit=3, store=3, user=3)
    await apply(product)
    assert len(product.pids()) == 2 * len(REPLICATED) + 4
    await traffic.flow(SOME)
    await until_every_gateway(product, traffic)

    product.scale(gateway=1, transmit=1, store=1, user=1, friend=1, file=1)
    await apply(product)
    await traffic.flow(SOME)
    await gone(product, lambda: len(product.pids()) == len(REPLICATED))

    product.scale(gateway=2, transmit=2, store=2)
    await apply(product)
    before = set(product.pids().values())
    product.spec["logging"] = {"level": "debug"}
    await apply(product)
    await traffic.flow(SOME)
    await gone(product, lambda: not before & set(product.pids().values()))

    assert await traffic.end() == []
    failed = [setback for member in traffic.members if member.over_http for setback in member.setbacks]
    assert failed == []
    # A frame may cross the close frame that tells its sender to come back; nothing else may happen to it.
    crossed = [setback for member in traffic.members if not member.over_http for setback in member.setbacks]
    assert [setback for setback in crossed if "1012" not in setback] == []


async def gone(product: Product, condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, condition, 30.0, "those that leave are gone", pause=0.2)


def test_secrets_of_external_stores_are_in_no_argument_no_log_and_no_answer(
    product: Product, stores: ProductionStores, redis: list[Redis]
) -> None:
    _, more = encrypted(redis)
    values = [value.strip() for keys in (stores.secrets() | more).values() for value in keys.values()]
    hidden = [value for value in values if len(value) >= 16 and "CERTIFICATE" not in value]
    assert len(hidden) >= 5
    texts = [product.log_tail(10_000), product.done("plan", product.name, "-o", "json"), json.dumps(product.state())]
    pids = [*product.pids().values(), product.controller]
    texts += [Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text() for pid in pids]
    for secret in hidden:
        assert all(secret not in text for text in texts)
