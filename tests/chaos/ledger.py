"""What has to be true of the stores when nothing flows any more: they are asked directly, beside the services."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from services.stores.projection import message_mark
from tests.chaos.world import World
from tests.testbed.production import DATABASE

_PAGE = 5000
_TEXT = "coalesce(search_text, transcript, content)"


def faults(world: World, patience: float) -> list[str]:
    """What is still wrong after `patience` seconds of quiet: events in the outbox, an index that is not the database's, dead
    letters, children that nobody waited for."""
    deadline = time.monotonic() + patience
    while (found := list(_of_the_moment(world))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def _of_the_moment(world: World) -> Iterator[str]:
    ((waiting,),) = world.stores.mysql.run("SELECT count(*) FROM outbox", database=DATABASE)
    if waiting:
        yield f"{waiting} events are still in the outbox"
    yield from _index(world)
    letters = json.loads(world.system.tool("dead-letters", "list"))["deadLetters"]
    yield from (f"dead letter: {letter}" for letter in letters)
    yield from (f"process {pid} has ended and nobody waited for it" for pid in world.zombies())


def _index(world: World) -> Iterator[str]:
    stored = {
        message_id: message_mark(message_id, transcribed=bool(transcribed))
        for message_id, transcribed in world.stores.mysql.run(
            f"SELECT message_id, transcript IS NOT NULL FROM message WHERE length({_TEXT}) > 0", database=DATABASE
        )
    }
    indexed = dict(_documents(world))
    for what, ids in (
        ("are not in the index", stored.keys() - indexed.keys()),
        ("are in the index and not in the database", indexed.keys() - stored.keys()),
        ("are in the index in an older form", {key for key in stored.keys() & indexed if stored[key] != indexed[key]}),
    ):
        if ids:
            yield f"{len(ids)} messages {what}: {sorted(ids)[:5]}"


def _documents(world: World) -> Iterator[tuple[str, int]]:
    """Ids and marks of all documents, in order of their rows."""
    after: Iterable[Any] = [-1]
    world.stores.elasticsearch.ask("/chatsystem-messages/_refresh")
    while True:
        body = json.dumps({"size": _PAGE, "_source": ["mark"], "sort": [{"row": "asc"}], "search_after": after})
        hits = world.stores.elasticsearch.ask("/chatsystem-messages/_search", body)["hits"]["hits"]
        yield from ((hit["_id"], hit["_source"]["mark"]) for hit in hits)
        if len(hits) < _PAGE:
            return
        after = hits[-1]["sort"]
