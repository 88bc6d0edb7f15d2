"""What a search and a write say when the server, the network or the access is not as it should be."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from services.stores.access import Tls
from services.stores.elasticsearch.search import ElasticsearchSearch
from services.stores.ports import StoreError
from services.stores.projection import message_document
from tests.stores.conftest import index_prefix
from tests.testbed.process import free_ports, wait_for
from tests.testbed.proxy import Proxy


def opened(server, *urls, access=None, timeout=20.0, prefix=None):
    return ElasticsearchSearch(
        urls or [server.url], access or server.access, prefix=prefix or index_prefix(), timeout=timeout
    )


def message(row, text):
    return message_document(row, f"m{row}", "s", row, text, False)


async def test_a_wrong_password_is_said_and_not_shown(elasticsearch):
    search = opened(elasticsearch, access=replace(elasticsearch.access, password="wrong-password"))
    with pytest.raises(StoreError, match="refuses the name or password") as caught:
        await search.ping()
    assert "wrong-password" not in str(caught.value)
    assert not caught.value.retryable
    await search.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(elasticsearch):
    search = opened(elasticsearch, access=replace(elasticsearch.access, tls=None))
    with pytest.raises(StoreError, match="CA_FILE"):
        await search.ping()
    await search.close()


async def test_a_missing_authority_file_is_said_at_the_start(elasticsearch, tmp_path):
    tls = Tls(str(tmp_path / "none.crt"))
    with pytest.raises(StoreError, match=r"none\.crt"):
        opened(elasticsearch, access=replace(elasticsearch.access, tls=tls))


async def test_a_node_that_is_away_is_passed_over(elasticsearch):
    away = f"https://127.0.0.1:{free_ports(1)[0]}"
    search = opened(elasticsearch, away, elasticsearch.url)
    for _ in range(4):
        await search.ping()
    await search.close()


async def test_no_node_at_all_is_a_failure_to_retry(elasticsearch):
    search = opened(elasticsearch, *(f"https://127.0.0.1:{port}" for port in free_ports(2)))
    for question in (search.messages("text", ["s"], limit=5), search.projection.messages.write([message(1, "text")])):
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            await question
        assert caught.value.retryable
    await search.close()


async def test_a_dead_network_is_a_failure_in_time_and_passes(elasticsearch):
    host, port = elasticsearch.url.removeprefix("https://").split(":")
    async with Proxy(host, int(port)) as proxy:
        search = opened(elasticsearch, f"https://127.0.0.1:{proxy.port}", timeout=2.0)
        await search.ping()
        proxy.freeze()
        with pytest.raises(StoreError, match="in time"):
            await search.ping()
        proxy.restore()
        await search.ping()
        proxy.cut()
        with pytest.raises(StoreError, match="cannot be reached"):
            await search.ping()
        await search.close()


@pytest.mark.timeout(600)  # of which a start of a server may take most
async def test_a_server_that_stands_still_is_a_failure_in_time(own_elasticsearch):
    search = opened(own_elasticsearch, timeout=1.0)
    own_elasticsearch.signal(signal.SIGSTOP)
    try:
        with pytest.raises(StoreError):
            await search.ping()
    finally:
        own_elasticsearch.signal(signal.SIGCONT)
    wait_for(own_elasticsearch.answers, 20, "it goes on")
    await search.ping()
    await search.close()
