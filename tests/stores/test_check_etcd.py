"""What keeps the services from working on etcd is found, named by its field, and has a remedy."""

from __future__ import annotations

import subprocess

import pytest

from services.checks.etcd import check
from services.stores.access import Access, Tls
from tests.testbed.certificates import authority
from tests.testbed.checking import checked, told
from tests.testbed.etcd import Etcd, cluster
from tests.testbed.process import free_ports, wait_for


def etcdctl(member, *arguments, user=""):
    command = ["etcdctl", "--endpoints", f"http://{member.address}", *(("--user", user) if user else ()), *arguments]
    return subprocess.run(command, env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)


def done(*arguments, **named):
    result = etcdctl(*arguments, **named)
    assert result.returncode == 0, result.stderr
    return result.stdout


async def test_a_good_server_has_nothing_to_complain_of_and_nothing_is_written(etcd):
    report = await checked(check, f"etcd://{etcd.address}/of-this-test", Access())
    assert told(report) == []
    assert report.server.startswith("etcd 3.")
    assert report.address == etcd.address
    for prefix in ("/of-this-test", "/metadata/of-this-test"):
        assert done(etcd, "get", prefix, "--prefix") == ""


async def test_nobody_and_something_else(etcd, valkey):
    (port,) = free_ports(1)
    report = await checked(check, f"etcd://127.0.0.1:{port},{etcd.address}/service", Access())
    assert told(report) == [("warning", "StoreUnreachable", "endpoints[0]")]
    report = await checked(check, f"etcd://127.0.0.1:{port}/service", Access())
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]
    report = await checked(check, f"etcd://127.0.0.1:{valkey.port}/service", Access(), timeout=2)
    assert [kind for kind, _, _ in told(report)] == ["error"]


async def test_a_secret_for_a_server_without_authentication_and_half_a_secret(etcd):
    url = f"etcd://{etcd.address}/service"
    report = await checked(check, url, Access("chat", "some-password"))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert "has no authentication" in report.findings[0].message
    report = await checked(check, url, Access("chat"))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]


@pytest.fixture
def guarded(tmp_path):
    """A server with the users root, chat with the rights that the manual names, and few with fewer."""
    server = Etcd(tmp_path / "etcd")
    server.start()
    done(server, "user", "add", "root:root-password")
    done(server, "user", "grant-role", "root", "root")
    for user, prefixes in (("chat", ("/service", "/metadata/service")), ("few", ("/service",))):
        done(server, "role", "add", user)
        for prefix in prefixes:
            done(server, "role", "grant-permission", user, "readwrite", prefix, "--prefix")
        done(server, "user", "add", f"{user}:{user}-password")
        done(server, "user", "grant-role", user, user)
    done(server, "auth", "enable")
    yield server
    server.stop()


async def test_users_and_their_rights(guarded):
    url = f"etcd://{guarded.address}/service"
    assert told(await checked(check, url, Access("chat", "chat-password"))) == []
    for access in (Access("chat", "wrong-password"), Access("nobody", "some-password"), Access()):
        assert told(await checked(check, url, access)) == [("error", "StoreAccessDenied", "secretName")]
    report = await checked(check, url, Access("few", "few-password"))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert "/metadata/service --prefix" in report.findings[0].remedy


async def test_a_server_that_is_full(tmp_path):
    server = Etcd(tmp_path / "etcd", arguments=("--quota-backend-bytes", "16384"))
    server.start()
    try:
        wait_for(lambda: "space exceeded" in etcdctl(server, "put", "k", "v" * 4096).stderr, 20.0, "it is full")
        report = await checked(check, f"etcd://{server.address}/service", Access())
    finally:
        server.stop()
    assert told(report) == [("error", "StoreFull", "")]
    assert "alarm disarm" in report.findings[0].remedy


async def test_a_cluster_without_a_majority(tmp_path):
    members = cluster(tmp_path, 3)
    for member in members:
        member.process.start()
    try:
        urls = ",".join(member.address for member in members)
        for member in members:
            member.start() if not member.process.running else wait_for(
                lambda member=member: etcdctl(member, "get", "k").returncode == 0, 30.0, "it has a leader"
            )
        assert told(await checked(check, f"etcd://{urls}/service", Access())) == []
        for member in members[1:]:
            member.stop()
        report = await checked(check, f"etcd://{urls}/service", Access())
    finally:
        for member in members:
            member.stop()
    assert ("error", "StoreUnhealthy", "") in told(report), report.findings


async def test_tls(tmp_path):
    ours, stranger = authority(tmp_path / "ours"), authority(tmp_path / "stranger")
    certificate, key = ours.sign("127.0.0.1")
    arguments = ("--cert-file", str(certificate), "--key-file", str(key))
    server = Etcd(tmp_path / "etcd", scheme="https", arguments=arguments)
    server.start()
    try:
        url = f"etcd://{server.address}/service"
        assert told(await checked(check, url, Access(tls=Tls(str(ours.certificate))))) == []
        report = await checked(check, url, Access(tls=Tls(str(stranger.certificate))))
        assert told(report) == [("error", "StoreTlsFailed", "tls.caSecret")]
        assert told(await checked(check, url, Access())) == [("error", "StoreTlsFailed", "tls")]
        report = await checked(check, url, Access(tls=Tls(verify=False)))
        assert told(report) == [("error", "StoreTlsFailed", "tls.insecureSkipVerify")]
    finally:
        server.stop()
