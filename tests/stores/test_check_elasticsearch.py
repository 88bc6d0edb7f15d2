"""What keeps the store service from working on Elasticsearch is found, named by its field, and has a remedy."""

from __future__ import annotations

import pytest

from services.checks.elasticsearch import Facts, check, judge
from services.stores.access import Access, Tls
from services.stores.elasticsearch.client import connect
from tests.stores.conftest import index_prefix
from tests.testbed.certificates import authority
from tests.testbed.checking import checked, told
from tests.testbed.process import free_ports


@pytest.fixture
async def client(elasticsearch):
    opened = connect([elasticsearch.url], elasticsearch.access, timeout=20)
    yield opened
    await opened.close()


def named(prefix):
    return {"options": {"SEARCH_INDEX_PREFIX": prefix}}


async def test_a_good_server_has_nothing_to_complain_of(elasticsearch):
    report = await checked(check, elasticsearch.url, elasticsearch.access, **named(index_prefix()))
    assert [each for each in told(report) if each[1] != "StoreFull"] == []
    assert report.server.startswith("Elasticsearch ")
    assert report.address == elasticsearch.url.removeprefix("https://")


async def test_a_wrong_password_and_none(elasticsearch):
    tls = elasticsearch.access.tls
    for access in (Access(elasticsearch.access.username, "wrong-password", tls), Access(tls=tls)):
        report = await checked(check, elasticsearch.url, access, **named("t"))
        assert told(report) == [("error", "StoreAccessDenied", "secretName")]


async def test_the_rights_that_the_manual_names_are_enough_and_fewer_are_not(elasticsearch, client):
    prefix = index_prefix()
    indexes = [{"names": [f"{prefix}-*"], "privileges": ["manage", "read", "write"]}]
    access = Access(prefix, "its-password", elasticsearch.access.tls)
    await client.security.put_role(name=prefix, cluster=["monitor"], indices=indexes)
    await client.security.put_user(username=prefix, password=access.password, roles=[prefix])
    try:
        report = await checked(check, elasticsearch.url, access, **named(prefix))
        assert [each for each in told(report) if each[1] != "StoreFull"] == []
        report = await checked(check, elasticsearch.url, access, **named("another"))
        assert told(report) == [("error", "StoreAccessDenied", "secretName")]
        assert "manage on another-*, read on another-*, write on another-*" in report.findings[0].message
        await client.security.put_role(name=prefix, cluster=[], indices=indexes)
        report = await checked(check, elasticsearch.url, access, **named(prefix))
        assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    finally:
        await client.security.delete_user(username=prefix)
        await client.security.delete_role(name=prefix)


async def test_blocks_and_missing_copies(elasticsearch, client):
    prefix = index_prefix()
    index = f"{prefix}-messages-000001"
    await client.indices.create(index=index, settings={"number_of_replicas": 1}, wait_for_active_shards=1)
    try:
        report = await checked(check, elasticsearch.url, elasticsearch.access, **named(prefix))
        assert ("warning", "StoreUnhealthy", "") in told(report)
        await client.indices.put_settings(index=index, settings={"blocks.read_only_allow_delete": True})
        report = await checked(check, elasticsearch.url, elasticsearch.access, **named(prefix))
        assert ("error", "StoreFull", "") in told(report)
        assert index in report.findings[0].message
        await client.indices.put_settings(index=index, settings={"blocks.read_only_allow_delete": None})
        await client.indices.put_settings(index=index, settings={"blocks.write": True})
        report = await checked(check, elasticsearch.url, elasticsearch.access, **named(prefix))
        assert ("error", "StoreMisconfigured", "") in told(report)
    finally:
        await client.indices.put_settings(index=index, settings={"blocks.write": None})
        await client.indices.delete(index=index)


async def test_a_part_that_is_not_there(elasticsearch, client):
    prefix = index_prefix()
    index = f"{prefix}-messages-000001"
    nowhere = {"number_of_replicas": 0, "routing.allocation.include._name": "no-such-node"}
    await client.indices.create(index=index, settings=nowhere, wait_for_active_shards=0)
    try:
        report = await checked(check, elasticsearch.url, elasticsearch.access, **named(prefix))
    finally:
        await client.indices.delete(index=index)
    assert ("error", "StoreUnhealthy", "") in told(report)


async def test_nobody_something_else_and_plain_http(elasticsearch, etcd):
    secret = Access("chat", "some-password")
    report = await checked(check, f"http://127.0.0.1:{free_ports(1)[0]}", secret)
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]
    report = await checked(check, f"http://{etcd.address}", secret)
    assert [kind for kind, _, _ in told(report)] == ["error"]
    report = await checked(check, elasticsearch.url.replace("https:", "http:"), secret)
    assert told(report) == [("error", "StoreTlsFailed", "endpoints[0]")]


async def test_an_authority_that_is_not_known(elasticsearch, tmp_path):
    tls = Tls(str(authority(tmp_path / "other").certificate))
    report = await checked(check, elasticsearch.url, Access("chat", "some-password", tls))
    assert told(report) == [("error", "StoreTlsFailed", "tls.caSecret")]


@pytest.mark.parametrize(
    ("facts", "finding"),
    [
        (Facts("8.0.0"), None),
        (Facts("9.1.2"), None),
        (Facts("7.17.0"), ("error", "StoreUnsupported", "endpoints[0]")),
        (Facts("8.1.0", disks={"a": 0.89}), None),
        (Facts("8.1.0", disks={"a": 0.93}), ("warning", "StoreFull", "")),
        (Facts("8.1.0", blocks={"read_only": ("the whole cluster",)}), ("error", "StoreMisconfigured", "")),
    ],
)
def test_what_a_cluster_says_of_itself(facts, finding):
    found = [(each.severity, each.reason, each.field) for each in judge(facts, "chatsystem", "chat")]
    assert found == ([finding] if finding else [])
