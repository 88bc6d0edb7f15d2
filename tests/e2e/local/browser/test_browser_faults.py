"""What must not happen to messages: reloads, cut and dead connections, a killed server. None is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.testbed.browser import Visitor
from tests.testbed.client import Api, Person, befriend
from tests.testbed.proxy import Proxy
from tests.testbed.system import System


async def through(arrive, system: System, proxy: Proxy) -> Visitor:
    """A visitor whose WebSocket goes through `proxy`. The page's policy names the real port, so it is set aside here."""
    visitor = await arrive(bypass_csp=True)
    config = json.dumps({"websocketPort": proxy.port})
    await visitor.context.route(
        "**/config.json", lambda route: route.fulfill(body=config, content_type="application/json")
    )
    return visitor


async def history_texts(person: Person, conversation: str) -> list[str]:
    return [each["message"]["string_message"]["content"] for each in await person.history(conversation)]


async def block_service(page: Page, blocked: bool) -> None:
    """Whether HTTP operations of a page fail."""
    if blocked:
        await page.route("**/service/**", lambda route: route.abort())
    else:
        await page.unroute("**/service/**")


async def settled(visitor: Visitor, count: int) -> None:
    """Everything sent here is acknowledged."""
    await expect(
        visitor.page.locator("[data-testid=message]:is([data-state=sent], [data-state=read], [data-state=received])")
    ).to_have_count(count, timeout=30_000)


async def test_a_cut_connection_is_shown_and_what_was_sent_meanwhile_arrives_once(arrive, system: System, pair) -> None:
    one, other, conversation = pair
    async with Proxy(system.host, system.websocket_port) as proxy:
        visitor, peer = await through(arrive, system, proxy), await arrive()
        await visitor.adopt(one.session_id)
        await peer.adopt(other.session_id)
        await visitor.open(other.nickname)
        await peer.open(one.nickname)
        await visitor.send("before")
        await expect(peer.message("before")).to_be_visible()
        await block_service(visitor.page, True)
        proxy.cut()
        await visitor.send("meanwhile 1")
        await visitor.send("meanwhile 2")
        await peer.send("from the other side")
        await expect(visitor.by("connection")).to_be_visible()
        await expect(visitor.message("meanwhile 1")).not_to_have_attribute("data-state", "sent")
        proxy.restore()
        await block_service(visitor.page, False)
        await settled(visitor, 4)
        await settled(peer, 4)
        await expect(visitor.by("connection")).to_be_hidden()
        assert await visitor.texts() == await peer.texts() == await history_texts(one, conversation)
        assert sorted(await peer.texts()) == ["before", "from the other side", "meanwhile 1", "meanwhile 2"]


async def test_without_the_socket_messages_go_and_come_over_http(arrive, system: System, pair) -> None:
    one, other, _ = pair
    async with Proxy(system.host, system.websocket_port) as proxy:
        visitor, peer = await through(arrive, system, proxy), await arrive()
        await visitor.adopt(one.session_id)
        await peer.adopt(other.session_id)
        await visitor.open(other.nickname)
        await peer.open(one.nickname)
        proxy.cut()
        await visitor.send("over HTTP")
        await expect(peer.message("over HTTP")).to_be_visible()
        await peer.send("and back")
        await expect(visitor.message("and back")).to_be_visible(timeout=20_000)
        proxy.restore()
        await visitor.ready()
        await visitor.send("over the socket")
        await expect(peer.message("over the socket")).to_be_visible()
        assert await visitor.texts() == await peer.texts() == ["over HTTP", "and back", "over the socket"]


async def test_a_dead_connection_is_noticed_and_replaced(arrive, system: System, pair) -> None:
    one, other, _ = pair
    async with Proxy(system.host, system.websocket_port) as proxy:
        visitor = await through(arrive, system, proxy)
        await visitor.page.clock.install()
        await visitor.adopt(one.session_id)
        await visitor.open(other.nickname)
        proxy.freeze()
        await visitor.page.clock.fast_forward(16_000)
        await visitor.page.clock.fast_forward(9_000)
        await expect(visitor.page.locator(".shell:not([data-connection=ready])")).to_be_visible()
        proxy.restore()
        await visitor.page.clock.run_for(5_000)
        await visitor.ready()
        await visitor.send("alive")
        await expect(visitor.message("alive")).to_have_attribute("data-state", "sent")


async def test_a_reload_keeps_what_was_sent_and_not_acknowledged(arrive, system: System, pair) -> None:
    one, other, conversation = pair
    async with Proxy(system.host, system.websocket_port) as proxy:
        visitor = await through(arrive, system, proxy)
        await visitor.adopt(one.session_id)
        await visitor.open(other.nickname)
        await visitor.page.route("**/new_message", lambda route: route.abort())
        proxy.cut()
        for number in range(5):
            await visitor.send(f"kept {number}")
        await expect(visitor.by("message")).to_have_count(5)
        await visitor.by("composer").fill("a draft")
        await visitor.page.reload()
        await expect(visitor.by("message")).to_have_count(5)
        await expect(visitor.by("composer")).to_have_value("a draft")
        await visitor.page.unroute("**/new_message")
        proxy.restore()
        await settled(visitor, 5)
        assert (
            await visitor.texts() == await history_texts(one, conversation) == [f"kept {number}" for number in range(5)]
        )


async def test_a_refused_message_says_why_and_can_be_deleted(arrive, system: System, pair) -> None:
    one, other, _ = pair
    async with Proxy(system.host, system.websocket_port) as proxy:
        visitor = await through(arrive, system, proxy)
        await visitor.adopt(one.session_id)
        await visitor.open(other.nickname)
        for operation in ("get_conversations", "sync"):
            await visitor.page.route(f"**/{operation}", lambda route: route.abort())
        proxy.cut()
        await other.call("remove_friend", peer_id=one.user_id)
        await visitor.send("too late")
        failed = visitor.message("too late")
        await expect(failed).to_have_attribute("data-state", "refused")
        await expect(failed.get_by_test_id("send-error")).to_contain_text("conversation")
        await failed.get_by_test_id("retry").click()
        await expect(failed).to_have_attribute("data-state", "refused")
        await failed.get_by_test_id("discard").click()
        await expect(visitor.by("message")).to_have_count(0)


async def flood(visitor: Visitor, prefix: str, count: int) -> None:
    for number in range(count):
        await visitor.send(f"{prefix}{number}")
        await asyncio.sleep(random.uniform(0.01, 0.06))


@pytest.mark.timeout(120)
async def test_a_killed_server_loses_doubles_and_reorders_nothing(arrive, start_system) -> None:
    system: System = start_system(settings={"CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "1s"})
    api = Api(system.host, system.http_port, system.websocket_port)
    one, other = await api.register(), await api.register()
    conversation = await befriend(one, other)
    origin = f"http://{system.host}:{system.http_port}"
    ann, bob = await arrive(origin), await arrive(origin)
    await ann.adopt(one.session_id)
    await bob.adopt(other.session_id)
    await ann.open(other.nickname)
    await bob.open(one.nickname)
    count = 80

    async def kill_and_stop() -> None:
        process = system.processes["all"]
        for end in (process.kill, process.stop, process.kill):
            await asyncio.sleep(1.0)
            await asyncio.to_thread(end)
            await asyncio.sleep(0.4)
            system.restart("all")
            await asyncio.to_thread(system.wait_ready)

    await asyncio.gather(flood(ann, "a", count), flood(bob, "b", count), kill_and_stop())
    await settled(ann, 2 * count)
    await settled(bob, 2 * count)
    with contextlib.suppress(OSError, EOFError, ConnectionError):
        await api.close()
    fresh = Api(system.host, system.http_port, system.websocket_port)
    stored = await history_texts(await fresh.login(one.nickname), conversation)
    await fresh.close()
    assert await ann.texts() == await bob.texts() == stored
    for prefix in "ab":
        assert [each for each in stored if each.startswith(prefix)] == [f"{prefix}{number}" for number in range(count)]


async def test_a_restored_history_replaces_what_was_shown(arrive, start_system) -> None:
    system: System = start_system(settings={"CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "0s"})
    api = Api(system.host, system.http_port, system.websocket_port)
    one, other = await api.register(), await api.register()
    await befriend(one, other)
    await api.close()
    origin = f"http://{system.host}:{system.http_port}"
    ann, bob = await arrive(origin), await arrive(origin)
    await ann.adopt(one.session_id)
    await bob.adopt(other.session_id)
    await ann.open(other.nickname)
    await bob.open(one.nickname)
    await ann.send("before the backup")
    await expect(bob.message("before the backup")).to_be_visible()

    process, database = system.processes["all"], system.directory / "chat.db"

    def stopped(change: Callable[[], None]) -> None:
        process.stop()
        change()
        process.start()
        system.wait_ready()

    backup = system.directory / "backup.db"
    await asyncio.to_thread(stopped, lambda: copy_database(database, backup))
    for visitor in (ann, bob):
        await visitor.ready()
    await ann.send("lost with the restore")
    await expect(bob.message("lost with the restore")).to_be_visible()
    await asyncio.to_thread(stopped, lambda: copy_database(backup, database, epoch="another"))
    for visitor in (ann, bob):
        await visitor.ready()
        await expect(visitor.by("message")).to_have_count(1, timeout=20_000)
    await bob.send("in its place")
    await expect(ann.message("in its place")).to_be_visible()
    assert await ann.texts() == await bob.texts() == ["before the backup", "in its place"]


def copy_database(source: Path, target: Path, epoch: str = "") -> None:
    """What a backup and a restore do to the history."""
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)
        if epoch:
            with new:
                new.execute("UPDATE setting SET value = ? WHERE name = 'epoch'", [epoch])
