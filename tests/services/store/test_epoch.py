"""A database that was set back to an older state gets another epoch, whoever set it back, and no other database does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.file import service as file_service
from services.store.epoch import EpochKeeper, ensure_epoch, read_epoch
from services.stores.ports import StoreError
from services.stores.redis_cache import RedisCache
from services.transmit import service as transmit_service
from services.user import service as user_service
from tests.testbed.messaging import add_conversation, add_people, rows, say, set_members
from tests.testbed.process import free_ports
from tests.testbed.runtime import TestRuntime


class Restores:
    """Counts what follows from a restore."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


@pytest.fixture
async def chat(runtime: TestRuntime) -> TestRuntime:
    """Without the store service, which looks by itself."""
    await add_people(runtime, "ann", "bob", "eve")
    await runtime.database.write(ensure_epoch)
    await runtime.host(file_service.create(runtime), user_service.create(runtime), transmit_service.create(runtime))
    return runtime


@pytest.fixture
def restores() -> Restores:
    return Restores()


@pytest.fixture
def keeper(chat: TestRuntime, restores: Restores) -> EpochKeeper:
    return EpochKeeper(chat.database, chat.cache, restores)


@pytest.fixture
async def group(chat: TestRuntime) -> str:
    await add_conversation(chat, "beats", "ann", "bob")
    return "beats"


async def epoch(chat: TestRuntime) -> str:
    return await chat.database.read(read_epoch)


async def set_back(chat: TestRuntime, beats: int) -> None:
    """What a restore does to the count."""
    await chat.database.write(
        lambda connection: connection.change("UPDATE setting SET value = ? WHERE name = 'beat'", [str(beats)])
    )


async def beaten(chat: TestRuntime, group: str, keeper: EpochKeeper, times: int = 3) -> None:
    for _ in range(times):
        await say(chat, "ann", group, "x")
        assert not await keeper.look()


async def test_a_history_that_only_grows_keeps_its_epoch(chat, group, keeper, restores):
    before = await epoch(chat)
    await beaten(chat, group, keeper)
    another = EpochKeeper(chat.database, chat.cache, restores)
    assert not await another.look()
    assert not await keeper.look()
    assert (await epoch(chat), restores.count) == (before, 0)


async def test_a_database_in_which_nothing_happens_is_not_written_to(chat, group, keeper):
    await beaten(chat, group, keeper)
    count = await rows(chat, "SELECT value FROM setting WHERE name = 'beat'")
    for _ in range(3):
        await keeper.look()
    assert await rows(chat, "SELECT value FROM setting WHERE name = 'beat'") == count


async def test_a_database_that_was_set_back_gets_another_epoch_once(chat, group, keeper, restores):
    await beaten(chat, group, keeper)
    before = await epoch(chat)
    await set_back(chat, 1)
    assert await keeper.look()
    after = await epoch(chat)
    assert after not in {"", before}
    assert not await keeper.look()
    assert (await epoch(chat), restores.count) == (after, 1)


async def test_a_process_that_started_after_the_restore_notices_it_by_the_cache(chat, group, keeper, restores):
    await beaten(chat, group, keeper)
    before = await epoch(chat)
    await set_back(chat, 1)
    assert await EpochKeeper(chat.database, chat.cache, restores).look()
    assert await epoch(chat) != before


async def test_a_process_that_lived_through_the_restore_notices_it_without_the_cache(chat, group, restores):
    away = RedisCache(f"redis://127.0.0.1:{free_ports(1)[0]}/0", timeout=0.2)
    keeper = EpochKeeper(chat.database, away, restores)
    await beaten(chat, group, keeper)
    before = await epoch(chat)
    await set_back(chat, 1)
    assert await keeper.look()
    assert await epoch(chat) != before
    await away.close()


async def test_of_two_replicas_one_gives_the_new_epoch(chat, group, keeper, restores):
    another = EpochKeeper(chat.database, chat.cache, restores)
    await beaten(chat, group, keeper)
    await another.look()
    await set_back(chat, 1)
    assert await keeper.look()
    after = await epoch(chat)
    assert not await another.look()
    assert (await epoch(chat), restores.count) == (after, 1)


async def test_lists_of_members_from_before_the_restore_are_not_taken_for_those_of_after(chat, group, keeper):
    """transmit remembers them by version; after the restore the same version may come with other members."""
    await beaten(chat, group, keeper)
    await set_members(chat, group, "ann", "bob", "eve")  # version 2, remembered by the next send
    await say(chat, "eve", group, "I am in")
    await chat.database.write(
        lambda connection: connection.change(
            "UPDATE chat_session SET member_version = 1 WHERE chat_session_id = 'beats'"
        )
    )
    await set_back(chat, 1)
    await keeper.look()
    await set_members(chat, group, "ann", "bob")
    with pytest.raises(AssertionError, match="成员"):
        await say(chat, "eve", group, "I am out")


async def test_what_cannot_be_told_of_a_restore_does_not_undo_its_epoch(chat, group):
    async def fails() -> None:
        raise StoreError("away")

    keeper = EpochKeeper(chat.database, chat.cache, fails)
    await beaten(chat, group, keeper)
    before = await epoch(chat)
    await set_back(chat, 1)
    assert await keeper.look()
    assert await epoch(chat) != before


async def test_it_stops_although_a_store_swallows_the_cancellation() -> None:
    asked = asyncio.Event()

    class Swallowing:
        async def get(self, key: str) -> bytes | None:
            asked.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                raise StoreError("no answer in time") from None
            return None

        async def read(self, work: object) -> tuple[int, int]:
            raise StoreError("away")

    async def nothing() -> None: ...

    stores: Any = Swallowing()
    keeper = EpochKeeper(stores, stores, nothing)
    keeper.start()
    await asked.wait()
    await asyncio.wait_for(keeper.stop(), 5)
