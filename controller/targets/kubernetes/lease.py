"""Who leads: a Lease that one of several controllers holds (https://kubernetes.io/docs/concepts/architecture/leases/).

`decide` is pure; `Election` is the shell that renews. Clocks of machines are never compared: a candidate takes over when it
has seen the same record for as long as the record says. The holder stops writing before that, by its own clock counted from
before its last renewal, and no request of it may take longer than what is left. So two never write at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from controller.engine.ports import TargetError
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.errors import Refused
from controller.targets.kubernetes.kinds import LEASE, Object

log = logging.getLogger(__name__)

NAME = "chatsystem-controller"
DURATION = 15.0
"""Seconds after which a Lease that nobody renews may be taken."""
RENEWAL = 2.0
"""Seconds between renewals, and between the looks of a candidate."""
MARGIN = 3.0
"""Seconds by which the holder counts it shorter than the others do."""
ANSWER = 5.0
"""Seconds in which the API server has to answer about the Lease."""


class Move(StrEnum):
    TAKE = "take"
    RENEW = "renew"
    WAIT = "wait"


@dataclass(frozen=True)
class Sight:
    """A record of the Lease, and since when it has looked like that, on the candidate's own clock."""

    record: tuple[Any, ...]
    since: float


def decide(lease: Object | None, me: str, sight: Sight | None, now: float) -> Move:
    """What a candidate does. `sight` is of this very record, if it was seen before."""
    if lease is None:
        return Move.TAKE
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == me:
        return Move.RENEW
    if not holder:
        return Move.TAKE
    lasts = float(spec.get("leaseDurationSeconds") or DURATION)
    if sight is not None and sight.record == record_of(lease) and now - sight.since > lasts:
        return Move.TAKE
    return Move.WAIT


def record_of(lease: Object) -> tuple[Any, ...]:
    """What changes with every renewal."""
    spec = lease.get("spec") or {}
    return lease["metadata"].get("uid"), spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions")


def written(lease: Object | None, namespace: str, me: str, when: str) -> dict[str, Any]:
    """The Lease with me as its holder."""
    spec = dict((lease or {}).get("spec") or {})
    if spec.get("holderIdentity") != me:
        transitions = int(spec.get("leaseTransitions") or 0) + (1 if lease is not None else 0)
        spec |= {"acquireTime": when, "leaseTransitions": transitions}
    spec |= {"holderIdentity": me, "leaseDurationSeconds": int(DURATION), "renewTime": when}
    fresh = {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": {"name": NAME, "namespace": namespace}}
    return {**(lease or fresh), "spec": spec}


class Election:
    """Implements Fence for one candidate. Its client has no fence of its own."""

    def __init__(
        self, client: Client, namespace: str, identity: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._lease: Object | None = None
        self._sight: Sight | None = None
        self._until = 0.0
        self.identity = identity
        self.holder = ""
        """Who leads, as last seen."""
        self._succeeded = False
        """Since this one led, somebody else may have."""
        self.asked = clock()
        """When the API server last answered about the Lease."""

    def remaining(self) -> float:
        return self._until - self._clock()

    async def run(
        self, lead: Callable[[], Awaitable[None]], stopped: asyncio.Event, *, renewal: float = RENEWAL
    ) -> None:
        """Runs `lead` from when this candidate leads until another one does, again and again, until `stopped`. Gives the Lease up
        in the end. An error of `lead` is raised.

        A holder that is late with a renewal, on a machine that is too busy, writes nothing for as long, because every write asks
        what remains; it need not begin anew if nobody has led in between."""
        leading: asyncio.Task[None] | None = None
        try:
            while not stopped.is_set():
                await self.look()
                if leading is not None and self._succeeded:
                    log.warning("%s does not lead any more", self.identity)
                    await _end(leading)
                    leading = None
                if leading is None and self.remaining() > 0:
                    log.info("%s leads", self.identity)
                    self._succeeded = False
                    leading = asyncio.ensure_future(_run(lead))
                await _pause(leading, stopped, renewal)
                if leading is not None and leading.done():
                    leading.result()
                    leading = None
        finally:
            await _end(leading)
            await self._give_up()

    async def look(self) -> None:
        """One look, and what follows from it."""
        begun = self._clock()
        try:
            async with asyncio.timeout(ANSWER):
                await self._look_and_write(begun)
        except (TargetError, TimeoutError) as error:
            if isinstance(error, Refused) and error.status == 409:
                return  # Another candidate was faster.
            log.warning("the Lease %s cannot be renewed: %s", NAME, error or "no answer in time")

    async def _look_and_write(self, begun: float) -> None:
        lease = await self._client.get(LEASE, self._namespace, NAME)
        self.asked = self._clock()
        self.holder = str(((lease or {}).get("spec") or {}).get("holderIdentity") or "")
        self._succeeded = self._succeeded or self.holder != self.identity
        if lease is not None and (self._sight is None or self._sight.record != record_of(lease)):
            self._sight = Sight(record_of(lease), self._clock())
        move = decide(lease, self.identity, self._sight, self._clock())
        if move is Move.WAIT:
            self._until = 0.0
            return
        body = written(lease, self._namespace, self.identity, _timestamp())
        self._lease = await (self._client.create(body) if lease is None else self._client.replace(body))
        # Counted from before the look: the others count from when they see it, which is later.
        self._until = begun + DURATION - MARGIN
        self.holder = self.identity

    async def _give_up(self) -> None:
        """So that the next one need not wait. What cannot be given up runs out."""
        led, self._until = self.remaining() > 0, 0.0
        if not led or self._lease is None:
            return
        spec = {**(self._lease.get("spec") or {}), "holderIdentity": "", "renewTime": _timestamp()}
        try:
            async with asyncio.timeout(ANSWER):
                await self._client.replace({**self._lease, "spec": spec})
        except (TargetError, TimeoutError) as error:
            log.info("the Lease %s runs out by itself: %s", NAME, error)


async def _run(lead: Callable[[], Awaitable[None]]) -> None:
    await lead()


async def _pause(leading: asyncio.Task[None] | None, stopped: asyncio.Event, seconds: float) -> None:
    """Until the next renewal is due, or there is nothing more to wait for."""
    waiting = asyncio.ensure_future(stopped.wait())
    try:
        awaited = {waiting, *([leading] if leading else [])}
        await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
