"""The epoch of the history: a random word that changes when the history was set back to an older state.

Whoever restores a database need not tell anybody. While messages are written, the row `beat` counts up every few seconds,
and what it reached is remembered outside of the database: in the cache, and in every process of this service. A database
that counts less than that was set back, and gets another epoch. Clients then forget the sequence numbers they know, which
would otherwise hide messages from them that are numbered a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable

from services.stores.ports import Cache, Connection, Database, StoreError

logger = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two looks. A restore is noticed when a beat lies between the state that was saved and the restore."""

_KEY = "history-beat"
_EPOCH = "epoch"
_COUNT = "beat"
_CHUNK = 1000
_AHEAD = 1_000_000
"""Far beyond every version of a list of members that a process may remember from the history that is gone."""


class EpochKeeper:
    """`set_back` is called after the history got another epoch, and may raise StoreError, which is logged."""

    def __init__(
        self, database: Database, cache: Cache, set_back: Callable[[], Awaitable[None]], *, beat: float = BEAT
    ) -> None:
        self._database = database
        self._cache = cache
        self._set_back = set_back
        self._beat = beat
        self._reached = 0
        self._newest = -1
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="epoch")

    async def stop(self) -> None:
        # The flag too: the client of a store can swallow a cancellation by its own time-outs.
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def look(self) -> bool:
        """Counts on if messages were written; returns whether the history was found set back. Raises StoreError."""
        # In this order: what is remembered was committed before the database is asked.
        remembered = max(self._reached, await self._remembered())
        count, newest = await self._database.read(_standing)
        if count < remembered:
            await self._begin_anew(remembered)
            return True
        if newest != self._newest or count == 0:
            count = await self._database.write(lambda connection: _count_on(connection, remembered))
            self._newest = newest
        self._reached = count
        if count > remembered:
            with contextlib.suppress(StoreError):
                await self._cache.set(_KEY, str(count).encode())
        return False

    async def _remembered(self) -> int:
        try:
            return int(await self._cache.get(_KEY) or b"0")
        except StoreError:
            return 0

    async def _begin_anew(self, remembered: int) -> None:
        # A version of a list of members must not come a second time, with other members.
        after = 0
        while after >= 0:
            after = await self._database.write(lambda connection, after=after: _raise_versions(connection, after))  # type: ignore[misc]
        epoch = secrets.token_hex(8)
        if not await self._database.write(lambda connection: _replace_epoch(connection, epoch, remembered)):
            return  # another replica was first
        logger.warning("the database was set back to an older state: clients are told to forget what they know")
        try:
            await self._set_back()
        except StoreError as error:
            logger.warning("not everything was told of the restored state: %s", error)

    async def _run(self) -> None:
        failed = False
        while not self._stopping:
            try:
                await self.look()
                failed = False
            except StoreError as error:
                if not failed:
                    logger.warning("whether the history was set back is not known: %s", error)
                failed = True
            except Exception:
                logger.exception("whether the history was set back could not be found out")
            if not self._stopping:
                await asyncio.sleep(self._beat)


def read_epoch(connection: Connection) -> str:
    """The epoch of the history, "" before `ensure_epoch`."""
    return _setting(connection, _EPOCH)


def ensure_epoch(connection: Connection) -> None:
    """Gives a new system its epoch; an existing one keeps its own."""
    connection.change(connection.dialect.insert_ignore("setting", ("name", "value")), [_EPOCH, secrets.token_hex(8)])


def _setting(connection: Connection, name: str) -> str:
    rows = connection.execute("SELECT value FROM setting WHERE name = ?", [name])
    return str(rows[0][0]) if rows else ""


def _set(connection: Connection, name: str, value: str) -> None:
    connection.change(connection.dialect.insert_ignore("setting", ("name", "value")), [name, value])
    connection.change("UPDATE setting SET value = ? WHERE name = ?", [value, name])


def _standing(connection: Connection) -> tuple[int, int]:
    """The count, and the newest message's row."""
    ((newest,),) = connection.execute("SELECT max(id) FROM message")
    return int(_setting(connection, _COUNT) or 0), int(newest or 0)


def _count_on(connection: Connection, remembered: int) -> int:
    """The count after this beat. It is left as it is when the database was set back in this moment: the next look sees it."""
    count = int(_setting(connection, _COUNT) or 0)
    if count < remembered:
        return remembered
    _set(connection, _COUNT, str(count + 1))
    return count + 1


def _replace_epoch(connection: Connection, epoch: str, remembered: int) -> bool:
    if int(_setting(connection, _COUNT) or 0) > remembered:
        return False
    _set(connection, _EPOCH, epoch)
    _set(connection, _COUNT, str(remembered + 1))
    return True


def _raise_versions(connection: Connection, after: int) -> int:
    """Of the next conversations; returns the row of the last one, -1 when there is none."""
    rows = connection.execute("SELECT id FROM chat_session WHERE id > ? ORDER BY id LIMIT ?", [after, _CHUNK])
    if not rows:
        return -1
    last = int(rows[-1][0])
    connection.change(
        "UPDATE chat_session SET member_version = member_version + ? WHERE id > ? AND id <= ?", [_AHEAD, after, last]
    )
    return last
