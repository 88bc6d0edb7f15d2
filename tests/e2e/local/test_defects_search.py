"""Search and scale: what the system before this one could not find, counted or showed too much of."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time

import pytest

from tests.testbed.client import Api
from tests.testbed.process import wait_for
from tests.testbed.schema import picture, text
from tests.testbed.system import System

defect = pytest.mark.defect


@defect("Q2")
async def test_search_of_people_leaves_out_oneself_and_friends(api: Api, pair):
    one, other, _ = pair
    stranger = await api.register()
    for key in (one.nickname, one.user_id, other.nickname, other.user_id):
        assert (await one.call("search_friend", search_key=key))["user_info"] == []
        assert len((await stranger.call("search_friend", search_key=key))["user_info"]) == 1


@defect("Q4")
async def test_cur_time_bounds_get_recent(pair):
    one, _, chat = pair
    await one.send(chat, text("x"))
    (message,) = await one.history(chat)
    for moment, expected in (
        (message["timestamp"] - 1, 0),
        (message["timestamp"], 1),
        (0, 1),
        (int(time.time()) + 9, 1),
    ):
        answer = await one.call("get_recent", chat_session_id=chat, msg_count=5, cur_time=moment)
        assert len(answer["msg_list"]) == expected


@defect("Q5")
async def test_lists_do_not_carry_the_content_of_files(pair):
    one, other, chat = pair
    await one.send(chat, picture(b"\x89PNG\r\n\x1a\n" + bytes(2**20)))
    for name, fields in (
        ("get_chat_session_list", {}),
        ("get_conversations", {}),
        ("sync", {}),
        ("get_page", {"chat_session_id": chat}),
        ("get_history", {"chat_session_id": chat, "start_time": 0, "over_time": 2**31, "exclude_file_content": True}),
    ):
        reply = await other.exchange(name, **fields)
        assert reply.fields["success"], name
        assert len(reply.raw) < 10_000, name


@defect("Q5")
async def test_a_large_avatar_is_not_copied_into_every_message(pair):
    one, other, chat = pair
    await one.call("set_avatar", avatar=b"\x89PNG\r\n\x1a\n" + bytes(2**20))
    device = await other.listen()
    sender = await one.connect()
    for number in range(20):
        await sender.send(chat, text(str(number)))
    await device.wait(lambda message: message if len(device.received) == 20 else None)
    assert max(map(len, device.raw)) < 50_000
    reply = await other.exchange("get_history", chat_session_id=chat, start_time=0, over_time=2**31)
    assert len(reply.raw) < 500_000
    await device.close()
    await sender.close()


@defect("Q6")
def test_messages_have_an_index_on_conversation_and_order(system: System):
    database = sqlite3.connect(f"file:{system.directory / 'chat.db'}?mode=ro", uri=True)
    plan = database.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM message WHERE session_id = 'x' AND seq > 5 ORDER BY seq LIMIT 10"
    ).fetchall()
    database.close()
    assert "USING INDEX" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


@defect("Q7", "S1")
async def test_message_texts_are_in_no_log_and_no_debug_file(pair, system: System):
    one, other, chat = pair
    words = "unmistakable-words-0815"
    device = await one.connect()
    await device.send(chat, text(words))
    await one.call("search_messages", search_key=words)
    await other.exchange("get_history", chat_session_id=chat, start_time=0, over_time=2**31)
    await device.close()
    for path in system.directory.rglob("*"):
        if path.is_file() and not path.name.startswith("chat.db"):
            assert words.encode() not in path.read_bytes(), path.name
    for process in system.processes.values():
        assert words not in process.output()


@defect("Q8")
async def test_a_second_sigterm_ends_the_process_at_once(start_system):
    own = await asyncio.to_thread(lambda: start_system(settings={"CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "30s"}))
    api = Api(own.host, own.http_port, own.websocket_port)
    person = await api.register()
    devices = [await person.listen() for _ in range(3)]
    await asyncio.sleep(0.2)
    process = own.processes["all"]
    process.signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert process.running
    process.signal(signal.SIGTERM)
    await asyncio.to_thread(process.wait, 5.0)
    own.restart("all")
    await asyncio.to_thread(own.wait_ready)
    for device in devices:
        await device.close()
    await api.close()


@defect("Q9")
async def test_health_readiness_and_metrics_are_served_on_a_port_of_their_own(api: Api, pair, system: System):
    await pair[0].send(pair[2], text("counted"))
    assert system.health("all", "/healthz")[0] == 200
    status, body = system.health("all", "/readyz")
    assert status == 200
    assert json.loads(body)
    status, body = system.health("all", "/metrics")
    assert status == 200
    assert "# TYPE" in body
    for path in ("/metrics", "/healthz", "/readyz"):
        assert (await api.http.request("GET", path)).status != 200


@defect("Q9")
def test_a_system_without_its_cache_says_what_is_missing(start_system):
    own = start_system()
    own.valkey.process.kill()
    wait_for(lambda: own.health("all")[0] == 503, 15.0, "not ready without the cache")
    _, body = own.health("all")
    assert "cache" in body
    assert own.health("all", "/healthz")[0] == 200
    own.valkey.start()
    wait_for(lambda: own.health("all")[0] == 200, 15.0, "ready again")
