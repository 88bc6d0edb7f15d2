"""The search index follows the database through the outbox and the queue, and is answered for while it is away."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from contextlib import asynccontextmanager
from functools import partial

import pytest
import pytest_asyncio

from services.file import service as file_service
from services.protocol.speech_pb2 import SpeechRecognitionRsp
from services.protocol.store_pb2 import SearchMessagesReq
from services.protocol.user_pb2 import FindUsersReq, SetUserNicknameReq, UserRegisterReq
from services.runtime.events import PEOPLE, SEARCH, IndexEvent
from services.store import service as store_service
from services.store.cleanup import Cleanup
from services.store.index_feed import Feed, FeedMetrics, parts
from services.store.index_rebuild import rebuild_all
from services.store.index_repair import Repair, repair
from services.store.index_source import Messages, Users
from services.store.indexing import GROUP
from services.stores.elasticsearch.search import ElasticsearchSearch
from services.stores.ports import Parcel
from services.transmit import service as transmit_service
from services.user import service as user_service
from tests.stores.conftest import index_prefix
from tests.testbed.messaging import add_conversation, add_people, rows, say, send, set_members, voice
from tests.testbed.proxy import Proxy
from tests.testbed.runtime import make_runtime

__all__ = ["make_runtime"]


class World:
    """ann and bob with their conversations, on an index that can be cut off."""

    def __init__(self, runtime, proxy, prefix):
        self.runtime = runtime
        self.proxy = proxy
        self.prefix = prefix
        self.index = runtime.search.projection.messages

    async def start(self):
        runtime = self.runtime
        await runtime.host(
            file_service.create(runtime),
            user_service.create(runtime),
            transmit_service.create(runtime),
            store_service.create(runtime),
        )

    def feed(self):
        """What handles the events of messages."""
        part, _ = parts(self.runtime.search.projection)
        return Feed(self.runtime, part, FeedMetrics(self.runtime.metrics), lambda: None)

    async def search(self, key, user="ann"):
        answer = await self.runtime.clients.call(
            "store", "SearchMessages", SearchMessagesReq(user_id=user, search_key=key, limit=200)
        )
        assert answer.success, answer.errmsg
        return [message.info.message_id for message in answer.message], answer.degraded

    async def until_found(self, key, ids, *, degraded=False):
        """The hits become these, the newest first."""
        expected = (list(reversed(ids)), degraded)
        await until(lambda: self.search(key), lambda answer: answer == expected)

    async def until_complete(self):
        await until(lambda: self.search("nothing has this"), lambda answer: answer == ([], False))

    async def find(self, key):
        answer = await self.runtime.clients.call("user", "FindUsers", FindUsersReq(search_key=key))
        return [user.nickname for user in answer.user_info]


async def until(ask, good, timeout=90.0):
    deadline = time.monotonic() + timeout
    while not good(answer := await ask()):
        assert time.monotonic() < deadline, f"still {answer}"
        await asyncio.sleep(0.05)


def ids(answers):
    return [answer.message.message_id for answer in answers]


@pytest_asyncio.fixture
async def world(make_runtime, elasticsearch):
    async with world_on(elasticsearch, make_runtime) as made:
        yield made


@asynccontextmanager
async def world_on(server, make_runtime):
    host, port = server.url.removeprefix("https://").split(":")
    async with Proxy(host, int(port)) as proxy:
        runtime = await make_runtime()
        prefix = index_prefix()
        runtime.search = ElasticsearchSearch(
            [f"https://127.0.0.1:{proxy.port}"], server.access, prefix=prefix, refresh="50ms", timeout=20
        )
        await add_people(runtime, "ann", "bob", "cid")
        await add_conversation(runtime, "pair", "ann", "bob", kind=1)
        await add_conversation(runtime, "group", "ann", "cid")
        yield World(runtime, proxy, prefix)
        for service in reversed(runtime.hosted):
            await service.stop()
        runtime.hosted.clear()
        await runtime.search.close()


async def test_messages_from_before_the_index_and_new_ones_are_found(world):
    def store(connection):
        connection.change(
            "INSERT INTO message (message_id, session_id, seq, user_id, message_type, create_time, content)"
            " VALUES ('old', 'pair', 1, 'ann', 0, 1, 'an old apple')"
        )
        connection.change("UPDATE chat_session SET last_seq = 1 WHERE chat_session_id = 'pair'")

    await world.runtime.database.write(store)
    await world.start()
    await world.until_found("apple", ["old"])
    after = ids(await say(world.runtime, "bob", "pair", "a new APPLE", "苹果"))
    await world.until_found("apple", ["old", after[0]])
    await world.until_found("果", after[1:])
    lag = "chatsystem_index_lag_seconds"
    value = world.runtime.metrics.get_sample_value
    await until(partial(asyncio.sleep, 0, None), lambda _: value(f"{lag}_count") == len(after))
    # The clock of this test stands still, so what is left is the interval of the index.
    assert value(f"{lag}_sum") == pytest.approx(0.05 * len(after), abs=1e-3)
    searches = "chatsystem_message_searches_total"
    assert value(searches, {"answered_by": "index"}) >= 2
    assert value(searches, {"answered_by": "database"}) == 0


async def test_a_transcript_is_found(world):
    async def recognise(request):
        return SpeechRecognitionRsp(request_id=request.request_id, success=True, recognition_result="오늘 회의")

    world.runtime.clients.host("speech", {"SpeechRecognition": recognise})
    await world.start()
    sent = await send(world.runtime, voice("ann", "pair", b"\1\0" * 1000))
    await world.until_complete()
    await world.until_found("회의", ids([sent]))


async def test_people_are_found_by_the_name_they_have_now(world):
    await world.start()
    await world.until_complete()
    call = world.runtime.clients.call
    await call("user", "UserRegister", UserRegisterReq(nickname="Ｅarly bird", password="password"))
    await until(lambda: world.find("early"), lambda found: found == ["Ｅarly bird"])
    ((user_id,),) = await rows(world.runtime, "SELECT user_id FROM user WHERE nickname LIKE '%arly bird'")
    await call("user", "SetUserNickname", SetUserNicknameReq(user_id=user_id, nickname="Night owl"))
    assert await world.find("early") == []
    await until(lambda: world.find("GHT O"), lambda found: found == ["Night owl"])
    assert await world.find(user_id) == ["Night owl"]


async def test_deleted_messages_leave_the_index(world):
    await world.start()
    sent = await say(world.runtime, "cid", "group", "apple", "apple pie")
    await world.until_complete()
    await world.until_found("apple", ids(sent))
    await set_members(world.runtime, "group")
    cleanup = Cleanup(world.runtime.database, world.runtime.clients, world.runtime.clock, feeds_search=True)
    assert await cleanup.sweep() == 2

    async def held():
        await world.index.refresh()
        return (await world.index.summary(0, 2**62)).count

    await until(held, lambda count: count == 0)


async def test_while_the_index_is_away_the_database_answers_and_the_events_wait(world):
    await world.start()
    first = await say(world.runtime, "ann", "pair", "apple 1")
    await world.until_complete()
    await world.until_found("apple", ids(first))
    world.proxy.cut()
    more = await say(world.runtime, "bob", "pair", "apple 2", "apple 3")
    assert await world.search("apple") == (ids([*first, *more])[::-1], True)
    assert await world.find("bob") == ["Bob"]
    await asyncio.sleep(1.5)
    assert await world.runtime.queue.dead_letters(SEARCH, GROUP) == []
    world.proxy.restore()
    await world.until_found("apple", ids([*first, *more]))
    await until(lambda: world.runtime.queue.depth(SEARCH, GROUP), lambda depth: depth == 0)
    assert await world.runtime.queue.dead_letters(SEARCH, GROUP) == []


async def test_an_index_that_takes_no_writes_is_away_and_the_events_wait(world):
    await world.start()
    first = await say(world.runtime, "ann", "pair", "apple 1")
    await world.until_complete()
    await world.until_found("apple", ids(first))
    name = f"{world.index.read_alias}-000001"
    full = {"index.blocks.read_only_allow_delete": True}  # what the server itself sets when its disk is full
    await world.index._client.indices.put_settings(index=name, settings=full)
    more = await say(world.runtime, "bob", "pair", "apple 2")

    async def available():
        return world.runtime.metrics.get_sample_value("chatsystem_index_available")

    await until(available, lambda value: value == 0)
    assert await world.runtime.queue.depth(SEARCH, GROUP) == 1
    full["index.blocks.read_only_allow_delete"] = False
    await world.index._client.indices.put_settings(index=name, settings=full)
    await world.until_found("apple", ids([*first, *more]))
    assert await world.runtime.queue.dead_letters(SEARCH, GROUP) == []


async def test_a_deleted_index_is_made_and_filled_again(world):
    await world.start()
    sent = await say(world.runtime, "ann", "pair", "apple 1")
    await world.until_complete()
    await world.index._client.indices.delete(index=f"{world.index.read_alias}-000001")
    assert await world.search("apple") == (ids(sent), True)
    sent += await say(world.runtime, "bob", "pair", "apple 2")
    await world.until_found("apple", ids(sent))


@pytest.mark.timeout(900)  # two starts of a server, each of which may take minutes on a busy machine
async def test_nothing_is_missing_after_the_server_was_killed_and_started_again(make_runtime, own_elasticsearch):
    async with world_on(own_elasticsearch, make_runtime) as world:
        await world.start()
        sent = await say(world.runtime, "ann", "pair", "apple 1")
        await world.until_complete()
        await world.until_found("apple", ids(sent))
        own_elasticsearch.kill()
        sent += await say(world.runtime, "ann", "pair", "apple 2", "apple 3")
        assert await world.search("apple") == (ids(sent)[::-1], True)
        await asyncio.to_thread(own_elasticsearch.start)
        await world.until_found("apple", ids(sent))
        assert await world.runtime.queue.dead_letters(SEARCH, GROUP) == []


async def test_a_search_page_goes_on_when_the_index_goes_away_in_between(world):
    await world.start()
    sent = await say(world.runtime, "ann", "pair", *(f"apple {number}" for number in range(5)))
    await world.until_complete()
    await world.until_found("apple", ids(sent))
    call = world.runtime.clients.call
    request = SearchMessagesReq(user_id="ann", search_key="apple", limit=3)
    one = await call("store", "SearchMessages", request)
    world.proxy.cut()
    request.page_token = one.next_page_token
    two = await call("store", "SearchMessages", request)
    assert (one.degraded, two.degraded) == (False, True)
    assert [each.info.message_id for each in (*one.message, *two.message)] == ids(sent)[::-1]


async def test_what_no_event_told_of_is_found_by_comparing(world):
    database, index = world.runtime.database, world.index
    await index.prepare()
    await world.runtime.search.projection.users.prepare()
    await world.runtime.host(transmit_service.create(world.runtime))
    sent = await say(world.runtime, "ann", "pair", *(f"apple {number}" for number in range(6)))
    assert await repair(database, Messages(), index) == Repair(compared=6, written=6)
    assert await repair(database, Messages(), index) == Repair(compared=6)
    gone, spoken, newest = sent[1].message.message_id, sent[3].message.message_id, sent[5].message.message_id

    def behind(connection):
        connection.change("DELETE FROM message WHERE message_id IN (?, ?)", [gone, newest])
        connection.change("UPDATE message SET transcript = 'pear', search_text = 'pear' WHERE message_id = ?", [spoken])

    await database.write(behind)
    assert await repair(database, Messages(), index) == Repair(compared=4, written=1, removed=2)
    await index.make_searchable()
    await index.refresh()
    hits, _ = await world.runtime.search.messages("pear", ["pair"], limit=10)
    assert [hit.seq for hit in hits] == [4]
    users = world.runtime.search.projection.users
    assert (await repair(database, Users(), users)).written == 3
    await database.write(lambda c: c.change("UPDATE user SET nickname_folded = 'anna' WHERE user_id = 'ann'"))
    assert (await repair(database, Users(), users)).written == 1
    assert (await repair(database, Users(), users)) == Repair(compared=3)


async def test_an_event_that_is_repeated_or_poisoned_spoils_nothing(world):
    await world.index.prepare()
    await world.runtime.host(transmit_service.create(world.runtime))
    (sent,) = await say(world.runtime, "ann", "pair", "apple")
    feed = world.feed()
    event = IndexEvent((sent.message.message_id,)).encode()
    unknown = IndexEvent(("never-stored",)).encode()
    parcels = [
        Parcel(str(n), payload, 1) for n, payload in enumerate([event, b"junk", event, unknown, b'{"user_id":"x"}'])
    ]
    for _ in range(2):
        assert list(await feed(parcels)) == ["1", "4"]
    await world.index.refresh()
    assert (await world.index.summary(0, 2**62)).count == 1


async def refuse_conversation(world, name):
    """From now on the index takes no document of that conversation."""
    await world.index.prepare()
    client = world.index._client
    pipeline = f"{world.prefix}-refuse"
    await client.ingest.put_pipeline(
        id=pipeline, processors=[{"fail": {"if": f"ctx.session == '{name}'", "message": "not this one"}}]
    )
    await client.indices.put_settings(
        index=f"{world.index.read_alias}-000001", settings={"index.default_pipeline": pipeline}
    )


async def test_a_document_that_the_index_rejects_is_the_failure_of_its_event_alone(world):
    await refuse_conversation(world, "group")
    await world.runtime.host(transmit_service.create(world.runtime))
    good, bad = [(await say(world.runtime, "ann", name, "apple"))[0] for name in ("pair", "group")]
    feed = world.feed()
    parcels = [
        Parcel(name, IndexEvent((sent.message.message_id,)).encode(), 1)
        for name, sent in (("good", good), ("bad", bad))
    ]
    failed = await feed(parcels)
    assert list(failed) == ["bad"]
    assert "apple" not in str(failed["bad"])


async def test_an_event_of_which_a_part_is_rejected_becomes_the_dead_letter_of_that_part_alone(world, monkeypatch):
    await refuse_conversation(world, "group")
    await world.runtime.host(transmit_service.create(world.runtime))
    sent = [(await say(world.runtime, "ann", name, "apple"))[0] for name in ("pair", "group", "pair")]
    event = IndexEvent(tuple(ids(sent)))
    monkeypatch.setattr("services.store.indexing._ATTEMPTS", 1)
    await world.runtime.host(store_service.create(world.runtime))
    await world.runtime.queue.publish(SEARCH, [event.encode()])
    dead = partial(world.runtime.queue.dead_letters, SEARCH, GROUP)
    await until(dead, lambda letters: len(letters) > 0)
    assert {IndexEvent.decode(letter.payload).message_ids for letter in await dead()} == {(ids(sent)[1],)}
    await world.until_found("apple", [ids(sent)[0], ids(sent)[2]])


async def test_a_rebuild_loses_nothing_of_what_is_sent_meanwhile_and_searches_go_on(world):
    await world.start()
    await world.until_complete()
    sent = await say(world.runtime, "ann", "pair", *(f"apple {number}" for number in range(20)))
    await world.until_found("apple", ids(sent))
    building = asyncio.create_task(rebuild_all(world.runtime.database, world.runtime.search.projection))
    from_index = []
    while not building.done():
        sent += await say(world.runtime, "bob", "pair", f"apple {len(sent)}")
        found, degraded = await world.search("apple")
        from_index.append(not degraded)
        assert set(found) >= set(ids(sent[:20]))
        await asyncio.sleep(0.25)  # so that all of them stay within one page of hits, however long it takes
    assert await building >= 20
    assert any(from_index)  # a busy server may be slow to answer now and then; then the database does
    await world.until_found("apple", ids(sent))


async def test_the_command_builds_the_index_anew(world, elasticsearch, tmp_path):
    await world.runtime.host(transmit_service.create(world.runtime))
    sent = await say(world.runtime, "ann", "pair", "apple")
    for name, content in (("name", elasticsearch.access.username), ("password", elasticsearch.access.password)):
        (tmp_path / name).write_text(content)
    environment = {
        **os.environ,
        "CHATSYSTEM_DATABASE_URL": f"sqlite://{tmp_path}/chat.db",
        "CHATSYSTEM_SEARCH_URL": elasticsearch.url,
        "CHATSYSTEM_SEARCH_INDEX_PREFIX": world.prefix,
        "CHATSYSTEM_SEARCH_USERNAME_FILE": str(tmp_path / "name"),
        "CHATSYSTEM_SEARCH_PASSWORD_FILE": str(tmp_path / "password"),
        "CHATSYSTEM_SEARCH_TLS": "true",
        "CHATSYSTEM_SEARCH_CA_FILE": elasticsearch.access.tls.ca_file,
    }
    command = [sys.executable, "-m", "services.runtime.main", "rebuild-index"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    assert b"4 documents" in output  # one message, three people
    assert elasticsearch.access.password.encode() not in output
    hits, _ = await world.runtime.search.messages("apple", ["pair"], limit=10)
    assert len(hits) == len(sent)


async def test_many_events_of_people_are_consumed_once_each(world):
    await world.start()
    await world.until_complete()
    names = [f"n{secrets.token_hex(4)}" for _ in range(3)]
    for name in names:
        await world.runtime.clients.call("user", "UserRegister", UserRegisterReq(nickname=name, password="password"))
    for name in names:
        await until(lambda name=name: world.find(name), lambda found, name=name: found == [name])
    await until(lambda: world.runtime.queue.depth(PEOPLE, GROUP), lambda depth: depth == 0)
