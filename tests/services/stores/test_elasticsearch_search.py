"""A search that meets the removal of an index which another one has replaced, as a server answers it in that moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from services.stores.elasticsearch.search import ElasticsearchSearch
from services.stores.ports import MessageHit, StoreError

SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
REMOVED = [
    (404, "index_not_found_exception"),
    (404, "search_phase_execution_exception"),
    (503, "search_phase_execution_exception"),
]


def hits(*found: dict[str, Any]) -> dict[str, Any]:
    return {"timed_out": False, "_shards": SHARDS, "hits": {"hits": list(found)}}


class Server:
    """Answers the first searches with `failures` (status and kind), all others with one hit."""

    def __init__(self) -> None:
        self.failures: list[tuple[int, str]] = []
        self.asked = 0
        self.url = ""

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/{index}/_search", self.search)
        application.router.add_post("/_msearch", self.several)
        return application

    def failure(self) -> tuple[int, str] | None:
        self.asked += 1
        return self.failures.pop(0) if self.failures else None

    async def search(self, request: web.Request) -> web.Response:
        if failure := self.failure():
            return answer({"error": {"type": failure[1]}, "status": failure[0]}, failure[0])
        return answer(hits({"_id": "m1", "_source": {"session": "s", "seq": 1}, "sort": [1]}))

    async def several(self, request: web.Request) -> web.Response:
        found = hits({"_id": "u1", "sort": [1]})
        if failure := self.failure():
            return answer({"responses": [found, {"error": {"type": failure[1]}, "status": failure[0]}]})
        return answer({"responses": [found, hits()]})


def answer(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers={"X-Elastic-Product": "Elasticsearch"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    runner = web.AppRunner(made.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def search(server: Server) -> AsyncIterator[ElasticsearchSearch]:
    made = ElasticsearchSearch([server.url])
    yield made
    await made.close()


@pytest.mark.parametrize("failure", REMOVED)
async def test_a_search_of_messages_is_asked_once_more(
    server: Server, search: ElasticsearchSearch, failure: tuple[int, str]
) -> None:
    server.failures = [failure]
    assert await search.messages("word", ["s"], limit=5) == ([MessageHit("s", 1)], "")


@pytest.mark.parametrize("failure", REMOVED)
async def test_a_search_of_people_is_asked_once_more(
    server: Server, search: ElasticsearchSearch, failure: tuple[int, str]
) -> None:
    server.failures = [failure]
    assert await search.users("word", exclude=[], limit=5) == (["u1"], "")


async def test_an_index_that_is_not_there_is_asked_twice_and_then_a_failure(
    server: Server, search: ElasticsearchSearch
) -> None:
    server.failures = [REMOVED[0]] * 2
    with pytest.raises(StoreError, match="not complete yet"):
        await search.messages("word", ["s"], limit=5)
    assert server.asked == 2


async def test_a_server_that_is_overloaded_is_not_asked_again(server: Server, search: ElasticsearchSearch) -> None:
    server.failures = [(429, "search_phase_execution_exception")]
    with pytest.raises(StoreError, match="overloaded"):
        await search.messages("word", ["s"], limit=5)
    assert server.asked == 1
