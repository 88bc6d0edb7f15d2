"""The systems of which something changed, each once until it is taken: what wakes the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from controller.targets.kubernetes.cache import System


class Changes:
    """Many changes of one system between two looks are one."""

    def __init__(self) -> None:
        self._pending: dict[System, None] = {}
        self._some = asyncio.Event()

    def tell(self, system: System) -> None:
        self._pending[system] = None
        self._some.set()

    async def follow(self) -> AsyncIterator[System]:
        while True:
            await self._some.wait()
            self._some.clear()
            pending, self._pending = self._pending, {}
            for system in pending:
                yield system
