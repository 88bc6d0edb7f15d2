"""What the indexes look like and how they are asked. Pure.

Text comes folded (services/stores/folding.py) and is cut into all its pairs of neighbouring characters, with their
positions, whatever the script: a key of two characters and more is a phrase of such pairs, which holds exactly where the key
is a substring. For a key of one character there is a second field with every character of the text. So nothing depends on
words, and no hit has to be looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.stores.folding import fold

SCHEMA = 1
"""Grows with every change of an index that makes building it anew necessary."""

MESSAGES, USERS = "messages", "users"

_FIELDS: dict[str, dict[str, Any]] = {
    MESSAGES: {"session": {"type": "keyword"}, "seq": {"type": "long", "index": False}},
    USERS: {"phone": {"type": "keyword"}, "user": {"type": "keyword"}},
}


FILLING = {"index.refresh_interval": "-1", "index.translog.durability": "async"}
"""Settings of an index that nobody sees yet, and that is filled anew when anything is lost of it."""


def writing_settings(refresh: str) -> dict[str, str]:
    """Of an index in use. `refresh`: time until searches see what was written; what is acknowledged is on the disk."""
    return {"index.refresh_interval": refresh, "index.translog.durability": "request"}


def definition(kind: str, writing: Mapping[str, str]) -> dict[str, Any]:
    """Settings and mappings of a new index."""
    return {
        "settings": {
            **writing,
            "number_of_shards": 1,
            "auto_expand_replicas": "0-1",
            "analysis": {
                "tokenizer": {
                    "pairs": {"type": "ngram", "min_gram": 2, "max_gram": 2},
                    "characters": {"type": "ngram", "min_gram": 1, "max_gram": 1},
                },
                "analyzer": {
                    "pairs": {"type": "custom", "tokenizer": "pairs"},
                    "characters": {"type": "custom", "tokenizer": "characters"},
                },
            },
        },
        "mappings": {
            "_meta": {"schema": SCHEMA},
            "dynamic": "strict",
            "_source": {"excludes": ["text"]},
            "properties": {
                "row": {"type": "long"},
                "mark": {"type": "long", "index": False},
                "text": {
                    "type": "text",
                    "analyzer": "pairs",
                    "norms": False,
                    "fields": {
                        "character": {
                            "type": "text",
                            "analyzer": "characters",
                            "norms": False,
                            "index_options": "docs",
                        }
                    },
                },
                **_FIELDS[kind],
            },
        },
    }


def contains(folded: str) -> dict[str, Any]:
    """The text has `folded` in it."""
    if len(folded) == 1:
        return {"term": {"text.character": {"value": folded}}}
    return {"match_phrase": {"text": {"query": folded}}}


def messages_query(key: str, chat_session_ids: Sequence[str], *, limit: int, before: int) -> dict[str, Any]:
    """The newest `limit` messages of the conversations with `key`, of rows before `before`."""
    among = {"terms": {"session": list(chat_session_ids)}}
    earlier = {"range": {"row": {"lt": before}}}
    return {
        "query": {"bool": {"filter": [among, earlier, contains(fold(key))]}},
        "sort": [{"row": "desc"}],
        "size": limit,
        "track_total_hits": False,
        "_source": ["session", "seq"],
    }


def exact_users_query(key: str, *, exclude: Sequence[str], limit: int, after: int) -> dict[str, Any]:
    """The users whose phone number or id is `key`, of rows after `after`."""
    return _users_query([_is(key), {"range": {"row": {"gt": after}}}], [], exclude, limit)


def named_users_query(key: str, *, exclude: Sequence[str], limit: int, after: int) -> dict[str, Any]:
    """The other users whose nickname contains `key`."""
    return _users_query([contains(fold(key)), {"range": {"row": {"gt": after}}}], [_is(key)], exclude, limit)


def _is(key: str) -> dict[str, Any]:
    return {"bool": {"should": [{"term": {"phone": key}}, {"term": {"user": key}}], "minimum_should_match": 1}}


def _users_query(
    wanted: list[dict[str, Any]], unwanted: list[dict[str, Any]], exclude: Sequence[str], limit: int
) -> dict[str, Any]:
    left_out = [*unwanted, {"terms": {"user": list(exclude)}}] if exclude else unwanted
    return {
        "query": {"bool": {"filter": wanted, "must_not": left_out}},
        "sort": [{"row": "asc"}],
        "size": limit,
        "track_total_hits": False,
        "_source": False,
    }
