"""The Search port on Elasticsearch. While an index is not complete, a search is a StoreError and not an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from elasticsearch import ApiError, AsyncElasticsearch

from services.stores.access import Access
from services.stores.elasticsearch import schema
from services.stores.elasticsearch.client import answered, connect, kind_of
from services.stores.elasticsearch.index import ElasticsearchIndex
from services.stores.folding import fold
from services.stores.ports import MessageHit, StoreError
from services.stores.projection import Projection
from services.stores.search_pages import MESSAGES, USERS, position, token

_LAST_ROW = 2**63 - 1
_WRITING = 20.0
"""Seconds for what nobody waits for."""
_REMOVED = {
    "search_phase_execution_exception",
    "index_not_found_exception",
    "shard_not_found_exception",
    "no_shard_available_action_exception",
}
"""Kinds of errors that a search gets for a moment when an index is removed that another one has replaced."""
_ABSENT, _BUSY = 404, 429
_MOST_CONVERSATIONS = 65_536
"""What one search may name, the server's own bound."""


class ElasticsearchSearch:
    """See services.stores.ports.Search. `prefix` keeps several systems on one cluster apart; `timeout` in seconds for a
    search; `refresh` is the server's interval between a write and its being seen."""

    needs_events = True

    def __init__(
        self,
        urls: Sequence[str],
        access: Access | None = None,
        *,
        prefix: str = "chatsystem",
        timeout: float = 3.0,
        refresh: str = "500ms",
    ) -> None:
        self._client: AsyncElasticsearch = connect(list(urls), access or Access(), timeout=timeout)
        patient = self._client.options(request_timeout=max(timeout, _WRITING))
        messages = ElasticsearchIndex(patient, prefix, schema.MESSAGES, refresh=refresh)
        users = ElasticsearchIndex(patient, prefix, schema.USERS, refresh=refresh)
        self._messages, self._users = messages.read_alias, users.read_alias
        self.projection: Projection | None = Projection(messages, users)

    async def messages(
        self, key: str, chat_session_ids: Sequence[str], *, limit: int, before: str = ""
    ) -> tuple[list[MessageHit], str]:
        _, last = position(MESSAGES, before) if before else (0, _LAST_ROW)
        if not fold(key) or not chat_session_ids or limit < 1:
            return [], ""
        if len(chat_session_ids) > _MOST_CONVERSATIONS:
            raise StoreError(f"a search in more than {_MOST_CONVERSATIONS} conversations at once")
        query = schema.messages_query(key, chat_session_ids, limit=limit + 1, before=last)
        (hits,) = await self._ask(self._messages, [query])
        page = hits[:limit]
        following = token(MESSAGES, 0, page[-1]["sort"][0]) if len(hits) > limit else ""
        return [MessageHit(hit["_source"]["session"], hit["_source"]["seq"]) for hit in page], following

    async def users(self, key: str, *, exclude: Sequence[str], limit: int, after: str = "") -> tuple[list[str], str]:
        rank, last = position(USERS, after) if after else (0, 0)
        if not fold(key) or limit < 1:
            return [], ""
        named = schema.named_users_query(key, exclude=exclude, limit=limit + 1, after=last if rank else 0)
        queries = [named]
        if not rank:
            queries.insert(0, schema.exact_users_query(key, exclude=exclude, limit=limit + 1, after=last))
        found = await self._ask(self._users, queries)
        ranked = [(1, hit) for hit in found[-1]]
        if not rank:
            ranked = [*((0, hit) for hit in found[0]), *ranked]
        page = ranked[:limit]
        following = token(USERS, page[-1][0], page[-1][1]["sort"][0]) if len(ranked) > limit else ""
        return [hit["_id"] for _, hit in page], following

    async def ping(self) -> None:
        """Passes when the cluster answers and lets us in."""
        await answered(self._client.cluster.health(filter_path="status"))

    async def close(self) -> None:
        await self._client.close()

    async def _ask(self, index: str, queries: Sequence[dict[str, Any]]) -> list[list[Any]]:
        """The hits of each query."""
        try:
            return await self._hits(index, queries)
        except _RemovedError:
            # Asked once more, of the index that has taken the place of the one asked first, unless there is none.
            return await self._hits(index, queries)

    async def _hits(self, index: str, queries: Sequence[dict[str, Any]]) -> list[list[Any]]:
        hits: list[list[Any]] = []
        for answer in await self._answers(index, queries):
            if "error" in answer:
                raise _failure(index, str(answer["error"].get("type")), int(answer.get("status", 0)))
            if answer["timed_out"] or answer["_shards"]["failed"]:
                raise StoreError(f"a part of the search index {index} does not answer")
            hits.append(answer["hits"]["hits"])
        return hits

    async def _answers(self, index: str, queries: Sequence[dict[str, Any]]) -> Sequence[Any]:
        if len(queries) == 1:
            body = dict(queries[0])
            call = _searched(index, self._client.search(index=index, source=body.pop("_source"), **body))
            return [await answered(call)]
        # Each query has its answer or its error; together they have none.
        searches = [part for query in queries for part in ({"index": index}, query)]
        several = await answered(self._client.msearch(searches=searches))
        responses: Sequence[Any] = several["responses"]
        return responses


class _RemovedError(StoreError):
    """The index that was asked is not there, or not any more."""


async def _searched(index: str, call: Awaitable[Any]) -> Any:
    try:
        return await call
    except ApiError as error:
        if _tells_of_removal(kind_of(error), error.meta.status):
            raise _failure(index, kind_of(error), error.meta.status) from None
        raise


def _tells_of_removal(kind: str, status: int) -> bool:
    return status != _BUSY and (kind in _REMOVED or status == _ABSENT)


def _failure(index: str, kind: str, status: int) -> StoreError:
    if _tells_of_removal(kind, status):
        return _RemovedError(f"the search index {index} is not complete yet, or failed ({status} {kind})")
    return StoreError(f"the search index {index} answered {status} ({kind})")
