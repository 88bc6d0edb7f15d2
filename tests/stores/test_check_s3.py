"""What keeps the services from keeping files in S3-compatible storage is found, named by its field, and has a remedy."""

from __future__ import annotations

import subprocess

import pytest

from services.checks.s3 import check, refusal
from services.stores.access import Access
from tests.testbed.checking import checked, told
from tests.testbed.process import free_ports
from tests.testbed.s3 import S3, program


def options(server):
    return {"FILES_ENDPOINT": server.url, "FILES_REGION": "us-east-1"}


def access(server):
    return Access(server.access_key, server.secret_key)


async def test_a_good_bucket_has_nothing_to_complain_of_and_nothing_stays(tmp_path):
    server = S3(tmp_path)
    server.start()
    try:
        report = await checked(check, f"s3://{server.bucket}/chat/", access(server), options=options(server))
    finally:
        server.stop()
    assert told(report) == []
    assert report.address == server.url.removeprefix("http://")
    assert [*(tmp_path / "data" / server.bucket).rglob("check-*")] == []


async def test_a_bucket_that_is_not_there(s3):
    report = await checked(check, "s3://no-such-bucket/", access(s3), options=options(s3))
    assert told(report) == [("error", "StoreIncomplete", "bucket")]


async def test_wrong_keys(s3):
    for keys in (Access(s3.access_key, "wrong-secret-key"), Access("nobody", "wrong-secret-key")):
        report = await checked(check, f"s3://{s3.bucket}/", keys, options=options(s3))
        assert told(report) == [("error", "StoreAccessDenied", "secretName")]


async def test_a_region_that_is_another_one(s3):
    other = {**options(s3), "FILES_REGION": "eu-west-9"}
    report = await checked(check, f"s3://{s3.bucket}/", access(s3), options=other)
    assert told(report) == [("error", "StoreMisconfigured", "region")]


@pytest.fixture
def without_rights(tmp_path):
    """A server, and keys that may do nothing with its bucket."""
    (tmp_path / "users").mkdir()
    server = S3(tmp_path, users=tmp_path / "users")
    server.start()
    command = [
        str(program()),
        "admin",
        "-a",
        server.access_key,
        "-s",
        server.secret_key,
        "-er",
        server.url,
        "-r",
        "us-east-1",
    ]
    command += ["create-user", "-a", "few", "-s", "few-secret-key", "-r", "user"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    yield server, Access("few", "few-secret-key")
    server.stop()


async def test_keys_without_rights_on_the_bucket(without_rights):
    server, keys = without_rights
    report = await checked(check, f"s3://{server.bucket}/", keys, options=options(server))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert "may not put objects" in report.findings[0].message


async def test_nobody_and_something_else(valkey):
    for port in (free_ports(1)[0], valkey.port):
        address = {"FILES_ENDPOINT": f"http://127.0.0.1:{port}"}
        report = await checked(check, "s3://files/", Access("a-key", "some-secret-key"), options=address)
        assert told(report) == [("error", "StoreUnreachable", "endpoint")]


async def test_https_where_it_is_not_spoken(s3):
    address = {"FILES_ENDPOINT": s3.url.replace("http:", "https:")}
    report = await checked(check, f"s3://{s3.bucket}/", access(s3), options=address)
    assert [reason for _, reason, _ in told(report)] == ["StoreTlsFailed"]


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        ("<Code>RequestTimeTooSkewed</Code>", "StoreMisconfigured", ""),
        ("<Code>QuotaExceeded</Code>", "StoreFull", "bucket"),
        ("status 403 Forbidden", "StoreAccessDenied", "secretName"),
        ("<Code>SlowDown</Code>", "StoreUnreachable", "endpoint"),
    ],
)
def test_what_an_answer_means(text, reason, field):
    found = refusal(text, "put", "files", "us-east-1", "AWS")
    assert (found.severity, found.reason, found.field) == ("error", reason, field)
