"""What keeps the services from working on Redis is found, named by its field, and has a remedy."""

from __future__ import annotations

import pytest

from services.checks.redis import Facts, check, judge
from services.stores.access import Access, Tls
from tests.testbed.certificates import authority
from tests.testbed.checking import checked, told
from tests.testbed.process import free_ports
from tests.testbed.redis import RIGHTS, Redis


@pytest.fixture
def start(tmp_path):
    """Starts servers as operators run them; arguments as of Redis."""
    started = []

    def one(**options):
        started.append(Redis(tmp_path / str(len(started)), **options))
        return started[-1].start()

    yield one
    for server in started:
        server.process.stop()


async def test_a_good_server_has_nothing_to_complain_of(valkey):
    report = await checked(check, valkey.url, valkey.access)
    assert told(report) == []
    assert report.server.startswith(("Valkey ", "Redis "))
    assert report.address == f"127.0.0.1:{valkey.port}"


async def test_a_wrong_password_none_and_a_user_that_is_not_there(valkey):
    for access in (Access("", "wrong-password"), Access(), Access("nobody", "wrong-password")):
        report = await checked(check, valkey.url, access)
        assert told(report) == [("error", "StoreAccessDenied", "secretName")]


async def test_the_rights_that_the_manual_names_are_enough_and_fewer_are_not(start):
    server = start()
    assert told(await checked(check, server.url, server.access)) == []
    server.run("ACL", "SETUSER", "few", "on", ">few-password", "~*", "&*", "+@read", "+@connection")
    report = await checked(check, server.url, Access("few", "few-password"))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert report.findings[0].remedy == f"ACL SETUSER few {RIGHTS}"


async def test_a_replica_is_passed_over_or_an_error_if_there_is_no_primary(start):
    primary = start()
    replica = start(replica_of=primary)
    report = await checked(check, f"redis://{replica.address},{primary.address}/0", primary.access)
    assert told(report) == []
    assert report.address == primary.address
    report = await checked(check, replica.url, primary.access)
    assert told(report) == [("error", "StoreReadOnly", "endpoints[0]")]
    primary.process.stop()
    report = await checked(check, f"redis://{replica.address},{primary.address}/0", primary.access)
    assert told(report) == [
        ("error", "StoreReadOnly", "endpoints[0]"),
        ("warning", "StoreUnreachable", "endpoints[1]"),
    ]


async def test_an_eviction_that_drops_presence_and_a_memory_that_is_full(start):
    server = start()
    server.run("ACL", "SETUSER", "chat", "+info")
    server.run("CONFIG", "SET", "maxmemory", "100mb")
    server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    report = await checked(check, server.url, server.access)
    assert told(report) == [("warning", "StoreMisconfigured", "")]
    assert "allkeys-lru" in report.findings[0].message
    server.run("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert told(await checked(check, server.url, server.access)) == []
    server.run("CONFIG", "SET", "maxmemory", "1000")
    assert ("error", "StoreFull", "") in told(await checked(check, server.url, server.access))


async def test_a_node_of_a_cluster(start):
    # By itself it would take its port plus 10,000 for the talk between nodes, which may be none.
    server = start(options=["cluster-enabled yes", f"cluster-port {free_ports(1)[0]}"])
    report = await checked(check, server.url, server.access)
    assert told(report) == [("error", "StoreUnsupported", "endpoints[0]")]


async def test_a_database_that_is_not_there(valkey):
    report = await checked(check, valkey.url.replace("/0", "/99"), valkey.access)
    assert told(report) == [("error", "StoreIncomplete", "database")]


async def test_nobody_and_something_else(etcd):
    report = await checked(check, f"redis://127.0.0.1:{free_ports(1)[0]}/0", Access("", "some-password"))
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]
    report = await checked(check, f"redis://{etcd.address}/0", Access("", "some-password"))
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]


async def test_tls_of_both_sides(start, tmp_path):
    ours = authority(tmp_path / "ours")
    server = start(authority=ours)
    user, password, good = server.access.username, server.access.password, server.access.tls
    assert told(await checked(check, server.url, server.access)) == []
    stranger = authority(tmp_path / "stranger")
    other, other_key = stranger.sign("client")
    for tls, field in (
        (None, "tls"),
        (Tls(good.ca_file), "tls.clientSecret"),
        (Tls(good.ca_file, str(other), str(other_key)), "tls.clientSecret"),
        (Tls(str(stranger.certificate)), "tls.caSecret"),
        (Tls(str(tmp_path / "nowhere")), "tls"),
    ):
        report = await checked(check, server.url, Access(user, password, tls))
        assert told(report) == [("error", "StoreTlsFailed", field)]


async def test_tls_where_it_is_not_spoken(valkey):
    report = await checked(check, valkey.url, Access("", valkey.password, Tls(verify=False)), timeout=2)
    assert told(report) == [("error", "StoreTlsFailed", "tls")]


@pytest.mark.parametrize(
    ("facts", "finding"),
    [
        (Facts("Redis", "7.0.0"), None),
        (Facts("Redis", "6.2.14"), ("error", "StoreUnsupported", "endpoints[1]")),
        (Facts("Valkey", "8.1.0"), None),
        (Facts("Redis", "7.2.4", mode="sentinel"), ("error", "StoreUnsupported", "endpoints[1]")),
        (Facts("Redis", "7.2.4", info={"loading": 1}), ("error", "StoreUnhealthy", "endpoints[1]")),
        (
            Facts("Redis", "7.2.4", info={"maxmemory": 100, "used_memory": 95, "maxmemory_policy": "noeviction"}),
            ("warning", "StoreFull", ""),
        ),
    ],
)
def test_what_a_server_says_of_itself(facts, finding):
    found = [(each.severity, each.reason, each.field) for each in judge(facts, 1)]
    assert found == ([finding] if finding else [])
