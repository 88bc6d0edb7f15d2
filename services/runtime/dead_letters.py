"""`chatsystem-services dead-letters`: lists what consumers gave up on, and gives it to them again.

For the person who runs the system. It speaks to the queue itself, so it works while no service does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from services.runtime.events import CONSUMERS
from services.runtime.open_stores import open_queue
from services.runtime.store_urls import read_one_store
from services.stores.ports import DeadLetter, Queue, StoreError

NAME = "dead-letters"
_LONGEST = 2000


def run(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Prints one JSON document. Returns the exit code. Raises SettingsError."""
    parser = argparse.ArgumentParser(prog=f"chatsystem-services {NAME}", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="print the dead letters")
    listing.add_argument("--limit", type=int, default=100, help="of each queue, at most (100)")
    replay = verbs.add_parser("replay", help="give dead letters to their consumers again")
    replay.add_argument("id", nargs="*", help="as listed")
    replay.add_argument("--all", action="store_true", help="all that there are")
    asked = parser.parse_args(arguments)
    if asked.verb == "replay" and asked.all == bool(asked.id):
        replay.error("name the letters to replay, or say --all")
    queue = open_queue(read_one_store("QUEUE", environment), instance=NAME)
    try:
        answer = asyncio.run(_answer(queue, asked))
    except StoreError as error:
        print(f"chatsystem-services: {error}", file=sys.stderr)  # noqa: T201 - this is a program for people
        return 1
    print(json.dumps(answer, ensure_ascii=False, indent=2))  # noqa: T201
    return 0


async def _answer(queue: Queue, asked: argparse.Namespace) -> dict[str, Any]:
    try:
        if asked.verb == "list":
            return {"deadLetters": await _list(queue, max(1, asked.limit))}
        return {"replayed": await _replay(queue, None if asked.all else asked.id)}
    finally:
        await queue.close()


async def _list(queue: Queue, limit: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{topic}/{group}/{letter.id}",
            "topic": topic,
            "group": group,
            "attempts": letter.attempts,
            "reason": letter.reason,
            "event": _event(letter),
        }
        for topic, group in CONSUMERS
        for letter in await queue.dead_letters(topic, group, limit)
    ]


async def _replay(queue: Queue, ids: list[str] | None) -> int:
    replayed = 0
    for topic, group in CONSUMERS:
        prefix = f"{topic}/{group}/"
        chosen = None if ids is None else [each.removeprefix(prefix) for each in ids if each.startswith(prefix)]
        if chosen is None or chosen:
            replayed += await queue.replay(topic, group, chosen)
    return replayed


def _event(letter: DeadLetter) -> Any:
    """The event, as data where it is JSON; events name things and hold no text of a message."""
    try:
        return json.loads(letter.payload[:_LONGEST])
    except ValueError:
        return letter.payload[:_LONGEST].decode(errors="replace")
