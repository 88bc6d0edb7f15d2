"""TLS between seven processes by declaration alone: strangers are refused, and certificates change while people talk."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import grpc
import pytest

from controller.blueprint.service import TLS_NAME
from controller.engine.authority import Authority, read_authority
from services.protocol import user_pb2
from services.runtime.rpc_wire import SECRET_KEY
from tests.testbed.certificates import authority as authority_of
from tests.testbed.client import Api
from tests.testbed.process import wait_for
from tests.testbed.product import Product
from tests.testbed.system import fetch
from tests.testbed.traffic import Traffic

DAY = 86400.0


@pytest.fixture
def product(tmp_path) -> Iterator[Product]:
    one = Product(tmp_path, local={"processes": "PerService"}, network={"tls": {}})
    try:
        yield one
    finally:
        one.delete()


def kept(product: Product) -> Authority:
    return read_authority((product.root / "secrets" / "rpc-tls-authority" / "authority.json").read_bytes())


def port_of(product: Product, service: str, name: str = "rpc") -> int:
    return json.loads((product.root / "slots" / f"{service}-0.json").read_text())[name]


async def call(product: Product, channel: grpc.aio.Channel) -> None:
    """A call with the secret of the system: what may refuse it is the certificate alone."""
    secret = (product.root / "secrets" / "rpc" / "secret").read_text()
    request = user_pb2.GetMultiUserInfoReq(request_id="x", users_id=[]).SerializeToString()
    method = channel.unary_unary("/chen_im.UserService/GetMultiUserInfo")
    await method(request, timeout=10, metadata=[(SECRET_KEY, secret)])


def channel_of(product: Product, trusted: bytes, certificate: bytes | None, key: bytes | None) -> grpc.aio.Channel:
    options = [("grpc.ssl_target_name_override", TLS_NAME)]
    credentials = grpc.ssl_channel_credentials(trusted, key, certificate)
    return grpc.aio.secure_channel(f"127.0.0.1:{port_of(product, 'user')}", credentials, options)


@pytest.mark.timeout(240)
async def test_who_has_no_certificate_of_the_systems_own_authority_is_refused(product: Product, tmp_path) -> None:
    product.up()
    files = kept(product).published()
    async with channel_of(product, files["ca.crt"], files["tls.crt"], files["tls.key"]) as member:
        await call(product, member)
    stranger = authority_of(tmp_path / "stranger").sign(TLS_NAME)
    strangers = [
        grpc.aio.insecure_channel(f"127.0.0.1:{port_of(product, 'user')}"),
        channel_of(product, files["ca.crt"], None, None),
        channel_of(product, files["ca.crt"], stranger[0].read_bytes(), stranger[1].read_bytes()),
    ]
    for channel in strangers:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(product, channel)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        await channel.close()
    assert "good until" in product.done("doctor", "-f", product.declaration())
    _, metrics = fetch(f"http://127.0.0.1:{port_of(product, 'user', 'metrics')}/metrics")
    (line,) = [one for one in metrics.splitlines() if one.startswith("chatsystem_rpc_certificate_until")]
    assert float(line.split()[1]) == pytest.approx(time.time() + 90 * DAY, abs=3600)
    assert product.done("plan", product.name).strip().endswith("nothing to do")


@pytest.mark.timeout(300)
async def test_an_authority_gives_way_to_another_while_people_talk(product: Product) -> None:
    """Certificates are to live longer from now on, so much that the authority's own end is near: it is replaced in two phases."""
    product.spec["network"] = {"tls": {"validity": "30d"}}
    product.up()
    before = kept(product)
    traffic = Traffic(Api(product.host, product.http_port, product.websocket_port))
    await traffic.begin()
    await traffic.flow(30)
    product.spec["network"] = {"tls": {"validity": "200d"}}
    await asyncio.to_thread(product.done, "apply", "-f", product.declaration())

    def replaced() -> bool:
        present = kept(product)
        return present.issuing != before.issuing and present.trusted == (present.issuing.certificate,)

    await asyncio.to_thread(wait_for, replaced, 200.0, "the other authority issues alone")
    await traffic.flow(30)
    await asyncio.to_thread(product.wait_ready, 60.0)
    await traffic.flow(30)
    assert await traffic.end() == []
    renewals = [line for line in product.done("events", product.name).splitlines() if "SecretRenewed" in line]
    words = ["is trusted from now on", "it issues from now on", "trusted no more"]
    assert [any(word in line for line in renewals) for word in words] == [True] * 3
    files = kept(product).published()
    old = before.published()
    async with channel_of(product, files["ca.crt"], files["tls.crt"], files["tls.key"]) as member:
        await call(product, member)
    async with channel_of(product, files["ca.crt"], old["tls.crt"], old["tls.key"]) as outdated:
        with pytest.raises(grpc.aio.AioRpcError):
            await call(product, outdated)


@pytest.mark.timeout(240)
async def test_a_persons_own_certificate_is_used_and_taken_up_when_it_changes(product: Product, tmp_path) -> None:
    ours = authority_of(tmp_path / "ours")
    folder = product.root / "secrets" / "own-tls"
    folder.mkdir(parents=True)

    def put() -> None:
        certificate, key = ours.sign(TLS_NAME)
        for name, path in (("ca.crt", ours.certificate), ("tls.key", key), ("tls.crt", certificate)):
            (folder / name).write_bytes(path.read_bytes())

    put()
    product.spec["network"] = {"tls": {"secretName": "own-tls"}}
    product.up()
    assert not (product.root / "secrets" / "rpc-tls-authority").exists()
    before = product.pids()
    traffic = Traffic(Api(product.host, product.http_port, product.websocket_port))
    await traffic.begin()
    await traffic.flow(30)
    put()

    def taken_up() -> bool:
        running = product.pids()
        return {name for name in running if "valkey" not in name}.isdisjoint(before)

    await asyncio.to_thread(wait_for, taken_up, 120.0, "every service is a new process")
    await asyncio.to_thread(product.wait_ready, 60.0)
    await traffic.flow(30)
    assert await traffic.end() == []
    assert {name for name in product.pids() if "valkey" in name} <= set(before)


@pytest.mark.timeout(240)
async def test_tls_is_turned_on_and_off_while_people_talk_and_nothing_is_lost(product: Product) -> None:
    """Operations may fail for as long as processes with and without it live side by side; people repeat them."""
    del product.spec["network"]
    product.up()
    traffic = Traffic(Api(product.host, product.http_port, product.websocket_port))
    await traffic.begin()
    await traffic.flow(30)
    for network in ({"tls": {}}, {}):
        product.spec["network"] = network
        await asyncio.to_thread(product.apply)
        await traffic.flow(30, timeout=60)
    assert await traffic.end() == []
