"""The registry on an etcd that is away, refuses, hangs, loses a lease or all of its data, and comes back."""

import asyncio
import shutil
import signal
import subprocess

import pytest

from services.stores.access import Access, Tls
from services.stores.etcd_lease import Terms
from services.stores.etcd_registry import EtcdRegistry
from services.stores.ports import Instance, StoreError
from tests.testbed.certificates import authority
from tests.testbed.etcd import Etcd, cluster
from tests.testbed.process import free_ports, wait_for
from tests.testbed.proxy import Proxy

ONE = Instance("user", "one", "127.0.0.1:1001", {"version": "1"})
TWO = Instance("user", "two", "127.0.0.1:1002")
BRIEF = Terms(ttl=1, renew=0.3)


@pytest.fixture
def own_etcd(tmp_path):
    """A server that the test may kill."""
    server = Etcd(tmp_path / "own-etcd")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def opened(world):
    registries = []

    def open_one(url, access=None, **options):
        registries.append(EtcdRegistry(url, access, **{"terms": BRIEF, "timeout": 1.0, **options}))
        return registries[-1]

    yield open_one
    for registry in registries:
        await registry.close()


class Seen:
    def __init__(self):
        self.history = []

    def __call__(self, service, instances):
        self.history.append((service, sorted(instance.id for instance in instances)))

    async def until(self, service, ids, timeout=15.0):
        async with asyncio.timeout(timeout):
            while dict(self.history).get(service) != ids:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def until(attempt, timeout=15.0):
    """Repeats while the server is away; a StoreError that may pass is the only error that may be seen."""
    async with asyncio.timeout(timeout):
        while True:
            try:
                if await attempt():
                    return
            except StoreError as error:
                assert error.retryable, error
            await asyncio.sleep(0.05)


def value(server, key):
    done = subprocess.run(
        ["etcdctl", "--endpoints", server.address, "get", key, "--print-value-only"],
        env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def etcdctl(server, *arguments):
    subprocess.run(
        ["etcdctl", "--endpoints", server.address, *arguments],
        env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )


async def test_keys_and_values_are_those_of_the_system_before_this_one(etcd, opened):
    names = {"user": "user_service", "speech": "speech/recognition"}
    registry = opened(f"etcd://{etcd.address}/service", names=names)
    await registry.register(Instance("user", "a", "10.0.0.7:10003"))
    await registry.register(Instance("speech", "b", "10.0.0.8:10001", {"model": "ko"}))
    assert value(etcd, "/service/user_service/a") == "10.0.0.7:10003"
    assert value(etcd, "/service/speech/recognition/b") == "10.0.0.8:10001"
    assert await registry.instances("speech") == [Instance("speech", "b", "10.0.0.8:10001", {"model": "ko"})]


async def test_what_others_wrote_below_the_prefix_does_no_harm(etcd, opened, world):
    prefix = f"/strange-{world.prefix.strip(':')}"
    for key, text in ((f"{prefix}/user/odd", ""), (f"{prefix}/loose", "x"), (f"/metadata{prefix}/user/one", "{")):
        etcdctl(etcd, "put", key, text)
    registry = opened(f"etcd://{etcd.address}{prefix}")
    await registry.register(TWO)
    seen = Seen()
    await registry.watch(seen)
    assert seen.history == [("user", ["two"])]


async def test_a_server_that_is_not_there_is_a_store_error_that_may_pass(opened):
    registry = opened(f"etcd://127.0.0.1:{free_ports(1)[0]}/service", Access("chat", "secret-word"))
    for call in (registry.ping(), registry.register(ONE), registry.instances("user")):
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            await call
        assert caught.value.retryable
        assert "secret-word" not in str(caught.value)


async def test_a_registration_and_a_watch_outlive_a_server_that_is_killed(own_etcd, opened):
    registry, other = opened(own_etcd.url, timeout=0.5), opened(own_etcd.url, timeout=0.5)
    await registry.register(ONE)
    seen = Seen()
    await other.watch(seen)
    own_etcd.process.kill()
    with pytest.raises(StoreError):
        await other.instances("user")
    await asyncio.to_thread(own_etcd.start)

    async def joined():
        await registry.register(TWO)
        return True

    await until(joined)
    await seen.until("user", ["one", "two"])
    await asyncio.sleep(1.5)  # longer than the lease
    assert sorted(instance.id for instance in await other.instances("user")) == ["one", "two"]
    assert ("user", []) not in seen.history


async def test_a_lease_that_was_lost_is_taken_anew(own_etcd, opened):
    registry, other = opened(own_etcd.url), opened(own_etcd.url)
    await registry.register(ONE)
    seen = Seen()
    await other.watch(seen)
    etcdctl(own_etcd, "lease", "revoke", f"{registry._lease._id:x}")
    await seen.until("user", [])
    await seen.until("user", ["one"])
    assert await other.instances("user") == [ONE]


async def test_a_registration_that_somebody_removed_is_made_again(own_etcd, opened):
    registry = opened(own_etcd.url)
    await registry.register(ONE)
    etcdctl(own_etcd, "del", "/service/user/one")

    async def back():
        return await registry.instances("user") == [ONE]

    await until(back)


async def test_a_server_that_hangs_is_an_error_in_time_and_nobody_vanishes(own_etcd, opened):
    registry, other = opened(own_etcd.url, timeout=0.3), opened(own_etcd.url, timeout=0.3)
    await registry.register(ONE)
    seen = Seen()
    await other.watch(seen)
    own_etcd.process.signal(signal.SIGSTOP)
    await asyncio.sleep(0.1)  # until it has stopped
    with pytest.raises(StoreError, match="in time"):
        await other.instances("user")
    await asyncio.sleep(2.0)
    own_etcd.process.signal(signal.SIGCONT)

    async def there():
        return await other.instances("user") == [ONE]

    await until(there)
    await seen.until("user", ["one"])


async def test_a_server_without_its_data_makes_nobody_vanish(own_etcd, opened):
    terms = Terms(ttl=3, renew=0.3)
    registry, other = opened(own_etcd.url, terms=terms, timeout=0.5), opened(own_etcd.url, terms=terms, timeout=0.5)
    await registry.register(ONE)
    gone = opened(own_etcd.url, terms=terms)
    await gone.register(TWO)
    seen = Seen()
    await other.watch(seen)
    own_etcd.process.kill()
    gone._lease.cancel()
    shutil.rmtree(own_etcd.directory / "data")
    await asyncio.to_thread(own_etcd.start)

    async def registered_again():
        return await other.instances("user") == [ONE]

    await until(registered_again)
    await seen.until("user", ["one"])
    assert seen.history == [("user", ["one", "two"]), ("user", ["one"])]


async def test_a_watch_goes_on_after_a_cut_connection_and_a_compaction(own_etcd, opened):
    async with Proxy("127.0.0.1", own_etcd.port) as proxy:
        other = opened(f"etcd://127.0.0.1:{proxy.port}/service")
        registry = opened(own_etcd.url)
        await registry.register(ONE)
        seen = Seen()
        await other.watch(seen)
        proxy.cut()
        await registry.register(TWO)
        await registry.deregister(ONE)
        for number in range(5):
            etcdctl(own_etcd, "put", "/else", str(number))
        etcdctl(own_etcd, "compact", "7", "--physical")
        proxy.restore()
        await seen.until("user", ["two"])
        await registry.register(ONE)
        await seen.until("user", ["one", "two"])


async def test_of_several_members_one_may_be_lost(tmp_path, opened):
    members = cluster(tmp_path / "cluster", 3)
    try:
        for member in members:
            member.process.start()
        url = f"etcd://{','.join(member.address for member in members)}/service"
        registry, other = opened(url), opened(url)

        async def formed():
            await registry.register(ONE)
            return True

        await until(formed, timeout=30)
        seen = Seen()
        await other.watch(seen)
        members[0].process.kill()
        await until(lambda: other.instances("user"))

        async def joined():
            await registry.register(TWO)
            return True

        await until(joined)
        await seen.until("user", ["one", "two"])
        await asyncio.sleep(1.5)
        assert len(await other.instances("user")) == 2
        assert ("user", []) not in seen.history
    finally:
        for member in members:
            member.stop()


async def test_a_user_with_a_password_and_no_other_may_use_it(own_etcd, opened):
    for arguments in (
        ("user", "add", "root:root-word"),
        ("user", "grant-role", "root", "root"),
        ("user", "add", "chat:chat-word"),
        ("role", "add", "registry"),
        ("role", "grant-permission", "registry", "readwrite", "/service", "--prefix"),
        ("role", "grant-permission", "registry", "readwrite", "/metadata/service", "--prefix"),
        ("user", "grant-role", "chat", "registry"),
        ("auth", "enable"),
    ):
        etcdctl(own_etcd, *arguments)
    registry = opened(own_etcd.url, Access("chat", "chat-word"))
    await registry.register(ONE)
    assert await registry.instances("user") == [ONE]
    seen = Seen()
    await registry.watch(seen)
    await registry.register(TWO)
    await seen.until("user", ["one", "two"])
    wrong = opened(own_etcd.url, Access("chat", "wrong-word"))
    with pytest.raises(StoreError, match="password") as caught:
        await wrong.ping()
    assert not caught.value.retryable
    assert "wrong-word" not in str(caught.value)
    elsewhere = opened(f"etcd://{own_etcd.address}/elsewhere", Access("chat", "chat-word"))
    with pytest.raises(StoreError, match="permission") as caught:
        await elsewhere.register(ONE)
    assert not caught.value.retryable
    # Tokens do not outlive the server that gave them.
    own_etcd.process.kill()
    await asyncio.to_thread(own_etcd.start)

    async def works():
        return len(await registry.instances("user")) == 2

    await until(works)


async def test_an_encrypted_connection_is_used_only_with_a_trusted_certificate(tmp_path, opened):
    signer, other = authority(tmp_path / "ca"), authority(tmp_path / "other")
    certificate, key = signer.sign("127.0.0.1")
    mine, my_key = signer.sign("chat")
    arguments = ["--cert-file", certificate, "--key-file", key, "--trusted-ca-file", signer.certificate]
    server = Etcd(tmp_path / "etcd", scheme="https", arguments=[*map(str, arguments), "--client-cert-auth"])
    try:
        server.start()
        access = Access(tls=Tls(str(signer.certificate), str(mine), str(my_key)))
        registry = opened(server.url, access)
        await registry.register(ONE)
        assert await registry.instances("user") == [ONE]
        for tls, said in (
            (Tls(str(other.certificate), str(mine), str(my_key)), "cannot be reached"),
            (Tls(str(tmp_path / "none")), "none"),
            (Tls(verify=False), "authority"),
        ):
            with pytest.raises(StoreError, match=said):
                await opened(server.url, Access(tls=tls)).ping()
    finally:
        await registry.close()
        server.stop()


async def test_closing_does_not_wait_for_a_server_that_hangs(own_etcd):
    registry = EtcdRegistry(own_etcd.url, terms=BRIEF, timeout=0.5)
    await registry.register(ONE)
    await registry.watch(Seen())
    own_etcd.process.signal(signal.SIGSTOP)
    async with asyncio.timeout(10):
        await registry.close()
    own_etcd.process.signal(signal.SIGCONT)
    wait_for(lambda: value(own_etcd, "/service/user/one") == "", 10, "the registration lapses")
