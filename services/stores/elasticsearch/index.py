"""The Index port on Elasticsearch: generations of an index behind two aliases.

`<prefix>-<kind>-write` is where documents are written. `<prefix>-<kind>` is what searches see, and it is there only once the
index is complete: until then a search fails instead of finding too little. An index is named `<prefix>-<kind>-<number>`, so
processes that create the first one at the same time create the same one.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from elasticsearch import ApiError, AsyncElasticsearch, NotFoundError

from services.stores.elasticsearch.client import answered, kind_of
from services.stores.elasticsearch.schema import FILLING, SCHEMA, definition, writing_settings
from services.stores.ports import StoreError
from services.stores.projection import DELETED, Document, Index, Seen, Summary

_LARGEST_REQUEST = 8 * 2**20
"""Bytes of one request, at most; a single document may be larger."""
_NO_ROW = 2**63 - 1
_OF_THE_INDEX = {403, 429, 503}
"""Statuses of a single write that tell of the index and not of the document."""
_ANSWERED = ("items.*._id", "items.*.status", "items.*.error.type")
"""What is read of the answer to a bulk request, which without this says five times as much."""


class ElasticsearchIndex:
    """See services.stores.projection.Index. `generation`: the name of an index that is written without the alias."""

    def __init__(
        self, client: AsyncElasticsearch, prefix: str, kind: str, *, refresh: str = "500ms", generation: str = ""
    ) -> None:
        self.name = kind
        self.visible_within = seconds_of(refresh)
        self.read_alias = f"{prefix}-{kind}"
        self._client = client
        self._prefix = prefix
        self._refresh_interval = refresh
        self._write_alias = f"{self.read_alias}-write"
        self._generation = generation
        self._target = generation or self._write_alias

    async def prepare(self) -> None:
        if not await self._current():
            await self._create(self._numbered(1), {self._write_alias: {}})
            if not await self._current():  # there already, and without the alias
                await self._answered(
                    self._client.indices.put_alias(index=self._numbered(1), name=self._write_alias),
                )

    async def searchable(self) -> bool:
        return bool(await answered(self._client.indices.exists_alias(name=self.read_alias)))

    async def make_searchable(self) -> None:
        current = await self._in_use()
        await self._answered(self._client.indices.put_alias(index=current, name=self.read_alias))

    async def outdated(self) -> bool:
        return await self._schema(await self._in_use()) != SCHEMA

    async def write(
        self, documents: Sequence[Document], gone: Sequence[str] = (), seen: Mapping[str, Seen] | None = None
    ) -> dict[str, str]:
        failed: dict[str, str] = {}
        seen = seen or {}
        actions = [_put(document, seen.get(document.id)) for document in documents]
        actions += [_remove(each, seen) for each in gone]
        for request in _requests(actions):
            operations: Any = request
            answer = await self._answered(
                self._client.bulk(
                    index=self._target,
                    operations=operations,
                    require_alias=not self._generation,
                    source=False,
                    filter_path=_ANSWERED,
                )
            )
            failed |= _failures(answer["items"], versioned=not documents or documents[0].version is not None)
        return failed

    async def seen(self, ids: Sequence[str]) -> dict[str, Seen]:
        if not ids:
            return {}
        answer = await self._answered(self._client.mget(index=self._target, ids=list(ids), source=False))
        return {
            each["_id"]: Seen(each["_seq_no"], each["_primary_term"]) for each in answer["docs"] if each.get("found")
        }

    async def summary(self, after: int, last: int) -> Summary:
        answer = await self._search(
            query=_rows(after, last), size=0, track_total_hits=True, aggs={"marks": {"sum": {"field": "mark"}}}
        )
        return Summary(answer["hits"]["total"]["value"], round(answer["aggregations"]["marks"]["value"]))

    async def marks(self, after: int, last: int, limit: int) -> list[tuple[int, str, int]]:
        answer = await self._search(
            query=_rows(after, last), size=limit, sort=[{"row": "asc"}], source=["row", "mark"], track_total_hits=False
        )
        return [(hit["_source"]["row"], hit["_id"], hit["_source"]["mark"]) for hit in answer["hits"]["hits"]]

    async def refresh(self) -> None:
        await self._answered(self._client.indices.refresh(index=self._target))

    async def next_generation(self) -> ElasticsearchIndex:
        name = self._numbered(self._number(await self._in_use()) + 1)
        if not await self._create(name, {}, unseen=True) and await self._schema(name) != SCHEMA:
            await self._answered(self._client.indices.delete(index=name))
            await self._create(name, {}, unseen=True)
        return ElasticsearchIndex(
            self._client, self._prefix, self.name, refresh=self._refresh_interval, generation=name
        )

    async def replace(self, generation: Index) -> None:
        assert isinstance(generation, ElasticsearchIndex)  # noqa: S101 - made by next_generation
        name = generation._target
        current = await self._current()
        actions: list[dict[str, Any]] = [
            {"add": {"index": name, "alias": alias}} for alias in (self.read_alias, self._write_alias)
        ]
        actions += [{"remove_index": {"index": each}} for each in current if each != name]
        settings = writing_settings(self._refresh_interval)
        await self._answered(self._client.indices.put_settings(index=name, settings=settings))
        # While it was filled, the server acknowledged what was not on its disk yet.
        await self._answered(self._client.indices.flush(index=name))
        await self._answered(self._client.indices.update_aliases(actions=actions))

    async def _create(self, name: str, aliases: Mapping[str, Any], *, unseen: bool = False) -> bool:
        """False if it is there already."""
        settings = FILLING if unseen else writing_settings(self._refresh_interval)
        try:
            await answered_unless(
                self._client.indices.create(index=name, aliases=aliases, **definition(self.name, settings)),
                "resource_already_exists_exception",
            )
        except FileExistsError:
            return False
        return True

    async def _current(self) -> list[str]:
        try:
            return list(await answered(self._client.indices.get_alias(name=self._write_alias)))
        except NotFoundError:
            return []

    async def _in_use(self) -> str:
        current = await self._current()
        if not current:
            raise StoreError(f"the search index {self.read_alias} is not there")
        return max(current, key=self._number)

    async def _schema(self, name: str) -> int:
        answer = await self._answered(self._client.indices.get_mapping(index=name))
        return int(answer[name]["mappings"].get("_meta", {}).get("schema", 0))

    async def _search(self, **body: Any) -> Any:
        return await self._answered(self._client.search(index=self._target, **body))

    async def _answered(self, call: Awaitable[Any]) -> Any:
        try:
            return await answered(call)
        except NotFoundError as error:
            raise StoreError(f"the search index {self.read_alias} is not there ({kind_of(error)})") from None

    def _numbered(self, number: int) -> str:
        return f"{self.read_alias}-{number:06d}"

    def _number(self, name: str) -> int:
        match = re.fullmatch(rf"{re.escape(self.read_alias)}-(\d+)", name)
        return int(match[1]) if match else 0


async def answered_unless(call: Awaitable[Any], kind: str) -> Any:
    """As `answered`, but raises FileExistsError for this kind of refusal."""

    async def checked() -> Any:
        try:
            return await call
        except ApiError as error:
            if kind_of(error) == kind:
                raise FileExistsError from None
            raise

    return await answered(checked())


def _put(document: Document, seen: Seen | None) -> bytes:
    fields = {**document.fields, "row": document.row, "mark": document.mark}
    action: dict[str, Any] = {"_id": document.id}
    if document.version is not None:
        action |= {"version": document.version, "version_type": "external"}
    elif seen is not None:
        action |= {"if_seq_no": seen.sequence, "if_primary_term": seen.term}
    operation = "create" if document.version is None and seen is None else "index"
    return orjson.dumps({operation: action}) + b"\n" + orjson.dumps(fields)


def _remove(document_id: str, seen: Mapping[str, Seen]) -> bytes:
    action: dict[str, Any] = {"_id": document_id}
    if state := seen.get(document_id):
        action |= {"if_seq_no": state.sequence, "if_primary_term": state.term}
    else:
        action |= {"version": DELETED, "version_type": "external"}
    return orjson.dumps({"delete": action})


def _requests(actions: Sequence[bytes]) -> Iterator[list[bytes]]:
    request: list[bytes] = []
    size = 0
    for action in actions:
        if request and size + len(action) > _LARGEST_REQUEST:
            yield request
            request, size = [], 0
        request.append(action)
        size += len(action)
    if request:
        yield request


def _failures(items: Sequence[Mapping[str, Any]], *, versioned: bool) -> dict[str, str]:
    """What was not done. A conflict of versions says that the index knows better; without versions it is a failure.

    Raises StoreError for what has nothing to do with the document: the index is gone, overloaded, or takes no writes."""
    failed: dict[str, str] = {}
    for item in items:
        ((operation, result),) = item.items()
        status = result["status"]
        known = status == 409 and (versioned or operation == "delete")
        absent = status == 404 and operation == "delete" and "error" not in result
        if status < 300 or known or absent:
            continue
        kind = result.get("error", {}).get("type", "unknown")
        if status in _OF_THE_INDEX or kind == "index_not_found_exception":
            raise StoreError(f"the search index takes no documents now ({status} {kind}); is there room on its disk?")
        failed[result["_id"]] = f"{status} {kind}"
    return failed


def _rows(after: int, last: int) -> dict[str, Any]:
    return {"range": {"row": {"gt": after, "lte": min(last, _NO_ROW)}}}


def seconds_of(interval: str) -> float:
    """Of the server's notation, such as 500ms or 1s; 0 where it refreshes only when it is asked to."""
    if interval.endswith("ms"):
        return float(interval.removesuffix("ms")) / 1000
    return max(float(interval.removesuffix("s")), 0.0)
