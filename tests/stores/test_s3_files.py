"""What an S3 bucket that is not as it should be is said to be."""

from __future__ import annotations

import pytest

from services.stores.access import Access, Tls
from services.stores.files_s3 import S3Files
from services.stores.ports import StoreError
from tests.testbed.process import free_ports
from tests.testbed.s3 import S3


def opened(s3, *, url="s3://files/prefix", access=None, endpoint=None):
    return S3Files.of_url(url, access or Access(s3.access_key, s3.secret_key), endpoint=endpoint or s3.url, timeout=2)


async def test_systems_with_different_prefixes_share_a_bucket(s3):
    one, two = opened(s3, url="s3://files/one/"), opened(s3, url="s3://files/deeper/two")
    await one.put("f1", b"one")
    await two.put("f1", b"two")
    await one.delete("f1")
    assert (await one.get("f1"), await two.get("f1")) == (None, b"two")


async def test_a_content_of_50_mebibytes_comes_back(s3):
    content = bytes(range(256)) * (50 * 4096)
    files = opened(s3)
    await files.put("large", content)
    assert await files.get("large") == content
    await files.delete("large")


async def test_a_bucket_that_is_not_there_is_a_failure_and_not_a_missing_file(s3):
    files = opened(s3, url="s3://nowhere/x")
    for call in (files.ping(), files.get("f1"), files.put("f1", b"1")):
        with pytest.raises(StoreError, match="no bucket nowhere; create it"):
            await call


async def test_wrong_keys_are_said_and_not_shown(s3):
    for access in (Access(s3.access_key, "wrong-secret"), Access("wrong-key", s3.secret_key)):
        with pytest.raises(StoreError, match="keys do not open") as caught:
            await opened(s3, access=access).ping()
        assert "wrong" not in str(caught.value)


async def test_a_server_that_is_away_is_a_failure_to_retry(s3):
    with pytest.raises(StoreError, match="does not answer") as caught:
        await opened(s3, endpoint=f"http://127.0.0.1:{free_ports(1)[0]}").put("f1", b"1")
    assert caught.value.retryable


async def test_an_authority_that_cannot_be_used_is_said_at_the_start(s3, tmp_path):
    missing = tmp_path / "none.crt"
    with pytest.raises(StoreError, match=r"none\.crt"):
        opened(s3, access=Access("key", "secret", Tls(str(missing))))
    missing.write_text("no certificate")
    with pytest.raises(StoreError, match="certificate"):
        opened(s3, access=Access("key", "secret", Tls(str(missing))))


async def test_contents_are_there_after_the_server_was_killed(tmp_path):
    server = S3(tmp_path)
    assert server.process is not None
    server.start()
    files = opened(server)
    await files.put("f1", b"kept")
    server.process.kill()
    with pytest.raises(StoreError, match="does not answer"):
        await files.get("f1")
    server.start()
    assert await files.get("f1") == b"kept"
    server.stop()
