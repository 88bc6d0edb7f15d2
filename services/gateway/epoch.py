"""The word that changes when the history was restored to an older state, for the Welcome of every connection.

The store service has it; here it is remembered for a short time, so that a rush of reconnects asks once. Clients that are
connected when it changes have to hear of it, too, so it is looked at all the time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.gateway.sessions import Session
from services.protocol.store_pb2 import SyncReq, SyncRsp

log = logging.getLogger(__name__)

LIFETIME = 30.0
LOOK = 5.0
"""Seconds between two looks."""
RETRY = 1.0
"""Seconds after which a failed question is asked again."""


class EpochSource:
    """`sync` is the store service's Sync, whose answers carry the epoch. `changed` is called when it is another one."""

    def __init__(
        self,
        sync: Callable[[SyncReq], Awaitable[SyncRsp]],
        clock: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._sync = sync
        self._clock = clock
        self._changed = changed
        self._epoch = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def current(self, session: Session) -> str:
        """The epoch, the last known one while the store service cannot be asked; empty when there is none, which a client
        takes as "not known yet"."""
        if self._clock() < self._until:
            return self._epoch
        async with self._lock:
            if self._clock() < self._until:
                return self._epoch
            await self._ask(SyncReq(user_id=session.user_id, session_id=session.token, limit=1))
            return self._epoch

    async def watch(self) -> None:
        """Looks at it until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            async with self._lock:
                await self._ask(SyncReq(limit=1))

    async def _ask(self, request: SyncReq) -> None:
        try:
            answer = await self._sync(request)
            epoch = answer.epoch
        except Exception as error:  # noqa: BLE001 - a Welcome without it is better than none
            log.warning("the epoch is not known: %s", error)
            epoch = ""
        before, self._epoch = self._epoch, epoch or self._epoch
        self._until = self._clock() + (LIFETIME if epoch else RETRY)
        if before and before != self._epoch:
            log.warning("the history was restored to an older state: frame clients are to begin anew")
            self._changed()
