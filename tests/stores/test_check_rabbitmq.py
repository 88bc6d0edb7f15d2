"""What keeps the services from working on RabbitMQ is found, named by its field, and has a remedy."""

from __future__ import annotations

import subprocess

import pytest

from services.checks.rabbitmq import check
from services.stores.access import Access, Tls
from tests.testbed.certificates import authority
from tests.testbed.checking import checked, told
from tests.testbed.process import free_ports
from tests.testbed.rabbitmq import RabbitMQ

RIGHTS = (r"^chatsystem\..*", r"^(chatsystem\..*|amq\.default)$", r"^chatsystem\..*")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server with TLS that these tests configure: the server, and the authority of its certificate."""
    ours = authority(tmp_path_factory.mktemp("tls") / "ours")
    certificate, key = ours.sign("127.0.0.1")
    tls = {"cacertfile": str(ours.certificate), "certfile": str(certificate), "keyfile": str(key)}
    server = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"), tls=tls)
    server.start()
    yield server, ours
    server.stop()


def control(server, *arguments):
    command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", *arguments]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_a_good_server_has_nothing_to_complain_of_however_often_it_is_asked(own):
    server, _ = own
    for _ in range(2):
        report = await checked(check, server.url, server.access)
        assert told(report) == []
    assert report.server.startswith("RabbitMQ 3.")
    assert report.address == f"127.0.0.1:{server.port}"


async def test_the_rights_that_the_manual_names_are_enough_and_fewer_are_not(own):
    server, _ = own
    control(server, "add_user", "few", "few-password")
    access = Access("few", "few-password")
    assert told(await checked(check, server.url, access)) == [("error", "StoreIncomplete", "virtualHost")]
    control(server, "set_permissions", "-p", "/", "few", *RIGHTS)
    assert told(await checked(check, server.url, access)) == []
    for missing in range(3):
        rights = [*RIGHTS]
        rights[missing] = "^$"
        control(server, "set_permissions", "-p", "/", "few", *rights)
        report = await checked(check, server.url, access)
        assert told(report) == [("error", "StoreAccessDenied", "secretName")]
        assert "rabbitmqctl set_permissions -p / few" in report.findings[0].remedy


async def test_a_wrong_password_and_none(own):
    server, _ = own
    report = await checked(check, server.url, Access(server.username, "wrong-password"))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    report = await checked(check, server.url, Access("nobody", "wrong-password"))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]


async def test_a_virtual_host_that_is_not_there(own):
    server, _ = own
    report = await checked(check, f"amqp://127.0.0.1:{server.port}/no%2Fwhere", server.access)
    assert told(report) == [("error", "StoreIncomplete", "virtualHost")]
    assert "rabbitmqctl add_vhost no/where" in report.findings[0].remedy


async def test_a_node_that_is_down_beside_one_that_is_up(own):
    server, _ = own
    (port,) = free_ports(1)
    report = await checked(check, f"amqp://127.0.0.1:{port},127.0.0.1:{server.port}/", server.access)
    assert told(report) == [("warning", "StoreUnreachable", "endpoints[0]")]
    assert report.address == f"127.0.0.1:{server.port}"
    report = await checked(check, f"amqp://127.0.0.1:{port}/", server.access)
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]


async def test_something_else(valkey):
    report = await checked(check, f"amqp://127.0.0.1:{valkey.port}/", Access("chat", "some-password"), timeout=2)
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]
    assert "AMQP" in report.findings[0].message


async def test_a_server_that_is_short_of_memory(own):
    server, _ = own
    control(server, "set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        report = await checked(check, server.url, server.access, timeout=4)
    finally:
        control(server, "set_vm_memory_high_watermark", "absolute", "1GB")
    assert told(report) == [("error", "StoreFull", "")]


async def test_tls(own, tmp_path):
    server, ours = own
    url = f"amqp://127.0.0.1:{server.tls_port}/"

    def access(**tls):
        return Access(server.username, server.password, Tls(**tls))

    assert told(await checked(check, url, access(ca_file=str(ours.certificate)))) == []
    other = authority(tmp_path / "other").certificate
    report = await checked(check, url, access(ca_file=str(other)))
    assert told(report) == [("error", "StoreTlsFailed", "tls.caSecret")]
    assert told(await checked(check, url, server.access)) == [("error", "StoreTlsFailed", "tls")]
    assert told(await checked(check, server.url, access(verify=False))) == [("error", "StoreTlsFailed", "tls")]
    by_name = url.replace("127.0.0.1", "localhost")
    report = await checked(check, by_name, access(ca_file=str(ours.certificate)))
    assert told(report) == [("error", "StoreTlsFailed", "endpoints[0]")]
