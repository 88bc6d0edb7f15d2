"""Redis as operators run it: users with rights, certificates on both sides, several addresses and a failover among them."""

import asyncio

import pytest
import pytest_asyncio

from services.stores.access import Access, Tls
from services.stores.ports import Instance, StoreError
from services.stores.redis_cache import RedisCache
from services.stores.redis_consumption import Timing
from services.stores.redis_queue import RedisQueue
from services.stores.redis_registry import RedisRegistry, Terms
from tests.testbed.certificates import authority
from tests.testbed.process import free_ports
from tests.testbed.redis import Redis

SECRET = "wrong-word"


@pytest.fixture
def encrypted(encrypted_redis):
    return encrypted_redis


@pytest.fixture(scope="module")
def company(encrypted_redis):
    """The authority of its certificates."""
    return encrypted_redis.authority


@pytest.fixture
def start(tmp_path):
    """Starts a server of the test's own; arguments as of Redis."""
    started = []

    def one(**options):
        started.append(Redis(tmp_path / f"redis-{len(started)}", **options))
        return started[-1].start()

    yield one
    for server in started:
        server.process.stop()


@pytest_asyncio.fixture
async def opened():
    """Closes what it is given."""
    stores = []

    def keep(store):
        stores.append(store)
        return store

    yield keep
    for store in stores:
        await store.close()


async def refusal(url, access, opened, timeout=2.0):
    cache = opened(RedisCache(url, access, timeout=timeout))
    with pytest.raises(StoreError) as caught:
        await cache.ping()
    assert SECRET not in str(caught.value)
    assert access.password not in str(caught.value)
    return caught.value


async def until(attempt, timeout=30.0):
    """Repeats while there is no server that takes writes; a StoreError that may pass is the only error that may be seen."""
    async with asyncio.timeout(timeout):
        while True:
            try:
                if await attempt():
                    return
            except StoreError as error:
                assert error.retryable, error
            await asyncio.sleep(0.05)


async def test_a_server_without_encryption_is_told_from_one_that_cannot_be_trusted(start, company, opened):
    plain = start()
    error = await refusal(plain.url, Access("chat", plain.access.password, Tls(str(company.certificate))), opened, 0.5)
    assert "speaks TLS" in str(error)


async def test_a_certificate_of_another_authority_is_not_accepted(encrypted, tmp_path, opened):
    stranger = authority(tmp_path / "stranger")
    tls = Tls(
        str(stranger.certificate), encrypted.access.tls.certificate_file, encrypted.access.tls.key_file, verify=True
    )
    error = await refusal(encrypted.url, Access("chat", encrypted.access.password, tls), opened)
    assert not error.retryable
    assert "certificate is not accepted" in str(error)
    assert "_CA_FILE" in str(error)


async def test_a_certificate_for_another_address_is_not_accepted(encrypted, opened):
    error = await refusal(f"redis://localhost:{encrypted.port}/0", encrypted.access, opened)
    assert "certificate is not accepted" in str(error)


async def test_verification_can_be_left_out_for_tests(encrypted, opened):
    own = encrypted.access.tls
    tls = Tls("", own.certificate_file, own.key_file, verify=False)
    await opened(
        RedisCache(f"redis://localhost:{encrypted.port}/0", Access("chat", encrypted.access.password, tls))
    ).ping()


async def test_a_server_that_asks_for_a_certificate_refuses_those_without_one(encrypted, opened):
    own = encrypted.access.tls
    error = await refusal(encrypted.url, Access("chat", encrypted.access.password, Tls(own.ca_file)), opened)
    assert "asks for a certificate" in str(error)


async def test_a_server_that_wants_encryption_is_told_from_one_that_is_away(encrypted, opened):
    error = await refusal(encrypted.url, Access("chat", encrypted.access.password), opened)
    assert "wants TLS" in str(error)


async def test_a_certificate_file_that_is_gone_is_named(encrypted, opened):
    own = encrypted.access.tls
    tls = Tls(own.ca_file, "/nowhere/tls.crt", own.key_file)
    error = await refusal(encrypted.url, Access("chat", encrypted.access.password, tls), opened)
    assert "/nowhere/tls.crt" in str(error)


@pytest.mark.parametrize("name", ["chat", "nobody", ""])
async def test_a_wrong_name_or_password_does_not_pass_and_is_not_shown(encrypted, opened, name):
    error = await refusal(encrypted.url, Access(name, SECRET, encrypted.access.tls), opened)
    assert not error.retryable
    assert "the name or the password" in str(error)


async def test_what_the_user_may_not_do_is_an_error_that_does_not_pass(start, opened):
    server = start()
    server.run("ACL", "SETUSER", "chat", "-set")
    cache = opened(RedisCache(server.url, server.access))
    with pytest.raises(StoreError, match="NOPERM") as caught:
        await cache.set("k", b"1")
    assert not caught.value.retryable


async def test_a_renewed_certificate_is_used_from_the_next_connection_on(encrypted, company, tmp_path, opened):
    files = tmp_path / "client.crt", tmp_path / "client.key"
    expired = authority(tmp_path / "retired").sign("chat")

    def install(pair):
        for source, target in zip(pair, files, strict=True):
            target.write_bytes(source.read_bytes())

    install(expired)
    tls = Tls(encrypted.access.tls.ca_file, str(files[0]), str(files[1]))
    cache = opened(RedisCache(encrypted.url, Access("chat", encrypted.access.password, tls), timeout=2.0))
    with pytest.raises(StoreError):
        await cache.ping()
    install(company.sign("chat"))
    await cache.ping()


async def test_a_replica_alone_is_refused_as_long_as_it_is_one(start, opened):
    primary = start()
    replica = start(replica_of=primary)
    cache = opened(RedisCache(replica.url, replica.access))
    with pytest.raises(StoreError, match="replica") as caught:
        await cache.ping()
    assert caught.value.retryable
    replica.promote()
    await cache.ping()


async def test_a_node_of_a_cluster_is_refused_in_words(start, opened):
    error = await refusal(*_of(start(options=cluster())), opened)
    assert not error.retryable
    assert "Redis Cluster" in str(error)


async def test_a_numbered_database_of_a_cluster_is_refused_with_the_same_words(start, opened):
    server = start(options=cluster())
    error = await refusal(f"redis://{server.address}/2", server.access, opened)
    assert "Redis Cluster" in str(error)


async def test_addresses_that_do_not_answer_are_passed_over(start, opened):
    server = start()
    cache = opened(RedisCache(f"redis://127.0.0.1:{free_ports(1)[0]},{server.address}/3", server.access))
    assert await cache.set("k", b"1")
    assert await opened(RedisCache(f"redis://{server.address}/3", server.access)).get("k") == b"1"


async def test_of_a_primary_and_its_replicas_the_primary_is_used(start, company, opened):
    primary = start(authority=company)
    replica = start(authority=company, replica_of=primary)
    replica.wait_in_step()
    cache = opened(RedisCache(f"redis://{replica.address},{primary.address}/0", _both(primary, replica)))
    await asyncio.gather(*(cache.set(f"k{number}", b"1") for number in range(50)))
    assert primary.run("DBSIZE") == 50


@pytest.mark.parametrize("loss", ["demoted", "killed"])
async def test_every_adapter_follows_a_failover(start, opened, loss):
    primary = start()
    replica = start(replica_of=primary)
    replica.wait_in_step()
    url, access = f"redis://{primary.address},{replica.address}/0", _both(primary, replica)
    cache = opened(RedisCache(url, access, timeout=1.0))
    queue = opened(RedisQueue(url, access, consumer="one", timeout=1.0, timing=Timing(block=0.05, retry=0.02)))
    registry = opened(RedisRegistry(url, access, terms=Terms(ttl=3.0, renew=0.1, poll=0.1)))
    subscription = await cache.subscribe("channel")
    heard, handled = [], []

    async def listen():
        async for _, payload in subscription:
            heard.append(payload)

    async def handler(parcels):
        handled.extend(parcel.payload for parcel in parcels)
        return {}

    listening = asyncio.create_task(listen())
    await queue.consume("t", "g", handler)
    await registry.register(Instance("user", "one", "127.0.0.1:1"))
    await asyncio.gather(*(cache.set(f"k{number}", b"1") for number in range(20)))  # several connections

    if loss == "killed":
        primary.process.kill()
        replica.promote()
    else:
        replica.promote()
        primary.follow(replica)

    async def written():
        return await cache.set("after", b"1") and replica.run("EXISTS", "after") == 1

    async def queued():
        await queue.publish("t", [b"after"])
        return b"after" in handled

    async def registered():
        return replica.run("ZCARD", "registry") == 1

    async def pushed():
        await cache.publish("channel", b"after")
        await asyncio.sleep(0.02)
        return b"after" in heard

    for arrived in (written, queued, registered, pushed):
        await until(arrived)
    await subscription.close()
    await listening


def cluster():
    return ["cluster-enabled yes", f"cluster-port {free_ports(1)[0]}"]


def _of(server):
    return server.url, server.access


def _both(primary, replica):
    """One access for both: they have the same users, and certificates of the same authority."""
    assert primary.access.password == replica.access.password
    return primary.access
