"""From sent to searchable: with an index beside the database, every message is found by what it says, also while others go on
being sent."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed.client import Api, Person
from tests.testbed.elasticsearch import Elasticsearch
from tests.testbed.system import System
from tests.testbed.traffic import Traffic

SOME = 150


@pytest.fixture
def elasticsearch() -> Iterator[Elasticsearch]:
    with tempfile.TemporaryDirectory(prefix="chatsystem-elasticsearch-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Elasticsearch(Path(folder))
        server.start()
        yield server
        server.stop()


def settings(server: Elasticsearch, folder: Path) -> dict[str, str]:
    (folder / "search-username").write_text(server.access.username)
    (folder / "search-password").write_text(server.password)
    return {
        "CHATSYSTEM_SEARCH_URL": server.url,
        "CHATSYSTEM_SEARCH_TLS": "true",
        "CHATSYSTEM_SEARCH_CA_FILE": str(server.ca_file),
        "CHATSYSTEM_SEARCH_USERNAME_FILE": str(folder / "search-username"),
        "CHATSYSTEM_SEARCH_PASSWORD_FILE": str(folder / "search-password"),
    }


async def found(person: Person, chat: str, key: str) -> set[int]:
    """The sequence numbers of all hits; none while the database answers in place of the index."""
    hits: set[int] = set()
    token = ""
    while True:
        answer = await person.call("search_messages", chat_session_id=chat, search_key=key, limit=200, page_token=token)
        if answer["degraded"]:
            return set()
        hits |= {item["seq"] for item in answer["message"]}
        token = answer["next_page_token"]
        if not token:
            return hits


async def until_found(person: Person, chat: str, key: str, expected: set[int]) -> None:
    async with asyncio.timeout(90):
        while await found(person, chat, key) != expected:  # noqa: ASYNC110 - the index gives no sign
            await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
async def test_every_message_becomes_searchable_while_others_are_sent(
    start_system: Callable[..., System], elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    system = await asyncio.to_thread(start_system, settings=settings(elasticsearch, tmp_path))
    traffic = Traffic(Api(system.host, system.http_port, system.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)
    member = traffic.members[0]
    for number in (1, 5):
        chat, sent = next((each.conversation, each) for each in member.sent if each.text.endswith(f" {number}"))
        async with asyncio.timeout(90):
            while sent.seq not in await found(member.person, chat, sent.text):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)
    await traffic.flow(SOME)
    assert await traffic.end() == []
    for reader in traffic.members:
        for chat in reader.shelves:
            stored = await reader.stored(chat)
            for writer in traffic.members:
                mine = {each.seq for each in stored if each.sender == writer.person.user_id}
                # The blank keeps the words of u1 apart from those of u12.
                await until_found(reader.person, chat, f"{writer.person.nickname} ", mine)
