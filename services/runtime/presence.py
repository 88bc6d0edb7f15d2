"""The push bus: presence and channels in the cache.

`presence:<user>` is the set of gateway replicas that hold connections of a user, kept alive by those replicas;
`push:<replica>` is the channel of one replica. A batch goes to the replicas its users are connected to and to no others;
only revocations, which must reach sessions nobody knows the place of, go to all on `push:all`. A replica that was lost
stops renewing, and the first batch that finds nobody listening on its channel takes it off the sets. That happens to a
living replica, too, when the cache was away and others are back on it first; and a cache that lost its data has no sets at
all. So whoever had to subscribe again writes its users down again, and what could not be written is tried again soon.

A process that hosts all services is mostly alone, and then all this is left out: a push is a function call. It is not while
another process takes its place, for the two share the public ports: each has connections that the other has to reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice

from services.protocol.gateway_pb2 import Delivery, DeliveryBatch
from services.runtime import neighbours
from services.runtime.neighbours import Neighbours
from services.runtime.push import PushTally
from services.runtime.push_content import without_large_content
from services.runtime.push_sending import Sending
from services.stores.ports import Cache, StoreError, Subscription

log = logging.getLogger(__name__)

PRESENCE_TTL = 90.0
"""Seconds after which the users of a lost replica no longer count as connected to it."""
RENEWALS = 3
"""Within that time."""
INTRODUCTION = 2.0
"""Seconds that a start waits for the others' answers: whoever has answered sends to it what concerns its users."""
REPAIR = 0.5
"""Seconds after which presence that could not be written is written again."""
SECOND_LOOK = 2.0
"""Seconds after a lost subscription by which those who took this replica off the sets have done so."""
ALL = "push:all"
AT_ONCE = 64
"""Presence changes that are in flight together."""


def presence_key(user_id: str) -> str:
    return f"presence:{user_id}"


def channel(replica: str) -> str:
    return f"push:{replica}"


def split_by_replica(
    batch: DeliveryBatch, presence: Mapping[str, AbstractSet[str]], own: str
) -> dict[str, DeliveryBatch]:
    """For every replica but `own` that holds a recipient, the batch with only its recipients."""
    parts: dict[str, DeliveryBatch] = {}
    for delivery in batch.delivery:
        recipients: dict[str, list[str]] = {}
        for user_id in delivery.user_id:
            for replica in presence.get(user_id, ()):
                if replica != own:
                    recipients.setdefault(replica, []).append(user_id)
        if not recipients:
            continue
        shared = Delivery()
        shared.CopyFrom(delivery)
        without_large_content(shared)
        for replica, user_ids in recipients.items():
            del shared.user_id[:]
            shared.user_id.extend(user_ids)
            parts.setdefault(replica, DeliveryBatch()).delivery.append(shared)
    return parts


class PresencePushBus:
    """See services.runtime.push.PushBus. `presence_ttl` in seconds. `single_process`: every service is hosted here, so that
    nothing has to leave the process as long as no other one holds connections of the system."""

    def __init__(
        self, cache: Cache, instance: str, *, presence_ttl: float = PRESENCE_TTL, single_process: bool = False
    ) -> None:
        self._cache = cache
        self._instance = instance
        self._ttl = presence_ttl
        self._deliver: Callable[[DeliveryBatch], None] | None = None
        self._users: set[str] = set()
        self._doubtful: set[str] = set()
        """Users whose sets may not tell the truth."""
        self._doubt = asyncio.Event()
        self._locks = [asyncio.Lock() for _ in range(AT_ONCE)]
        self._tasks: list[asyncio.Task[None]] = []
        self._subscription: Subscription | None = None
        self._closed = False
        self.tally = PushTally()
        self._sending = Sending(self._send, self.tally)
        self._neighbours = Neighbours(instance, presence_ttl)
        self._introduced = asyncio.Event()
        self._alone = single_process
        self._single_process = single_process

    def attach(self, deliver: Callable[[DeliveryBatch], None]) -> None:
        self._deliver = deliver

    async def start(self) -> None:
        self._subscription = await self._cache.subscribe(
            channel(self._instance), ALL, neighbours.CHANNEL, renewed=self._resubscribed
        )
        self._tasks = [
            asyncio.create_task(self._receive(self._subscription), name="push-receive"),
            asyncio.create_task(self._renew(), name="push-renew"),
            asyncio.create_task(self._repair(), name="push-repair"),
        ]
        others = await self._cache.publish(neighbours.CHANNEL, self._neighbours.question()) - 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTRODUCTION):
                while self._neighbours.count(time.monotonic()) < others:
                    self._introduced.clear()
                    await self._introduced.wait()

    async def publish(self, batch: DeliveryBatch) -> None:
        self.tally.batches += 1
        if self._deliver is not None:
            self._deliver(batch)
        if not self._alone and not self._closed:
            await self._sending.hand_over(batch)

    async def online(self, user_id: str) -> None:
        self._users.add(user_id)
        if not self._alone:
            await self._settle(user_id)

    async def offline(self, user_id: str) -> None:
        self._users.discard(user_id)
        if not self._alone:
            await self._settle(user_id)

    async def close(self) -> None:
        self._closed = True
        self._deliver = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._subscription is not None:
            with contextlib.suppress(StoreError):
                await self._subscription.close()
                await self._cache.publish(neighbours.CHANNEL, self._neighbours.farewell())
            self._subscription = None
        users, self._users = self._users, set()
        if not self._alone:
            await self._each(users, self._settle)
        await self._sending.finish()

    async def _settle(self, user_id: str) -> None:
        """Brings the presence of one user to what this process knows now; calls for one user take turns, so that a quick
        off and on cannot end in the wrong order."""
        try:
            async with self._locks[hash(user_id) % AT_ONCE]:
                if user_id in self._users:
                    await self._cache.set_add(presence_key(user_id), self._instance, ttl=self._ttl)
                else:
                    await self._cache.set_remove(presence_key(user_id), self._instance)
        except Exception as error:
            if not self._doubtful:
                unforeseen = None if isinstance(error, StoreError) else error
                log.warning("presence not written, it is tried again: %s", error, exc_info=unforeseen)
            self._doubtful.add(user_id)
            self._doubt.set()

    async def _each(self, users: Iterable[str], change: Callable[[str], Awaitable[None]]) -> None:
        waiting = iter(list(users))
        while part := list(islice(waiting, AT_ONCE)):
            await asyncio.gather(*(change(user_id) for user_id in part))

    async def _renew(self) -> None:
        while not self._closed:
            await asyncio.sleep(self._ttl / RENEWALS)
            try:
                await self._cache.publish(neighbours.CHANNEL, self._neighbours.here())
            except StoreError as error:
                log.warning("other processes do not hear of this one: %s", error)
            except Exception:  # presence that is not renewed lapses, and nobody is pushed anything
                log.exception("other processes could not be told of this one")
            await self._look_around()
            if not self._alone:
                await self._each(self._users, self._settle)

    async def _repair(self) -> None:
        while not self._closed:
            await self._doubt.wait()
            await asyncio.sleep(REPAIR)
            self._doubt.clear()
            users, self._doubtful = self._doubtful, set()
            if not self._alone:
                await self._each(users, self._settle)

    def _resubscribed(self) -> None:
        log.info("the cache was away: the presence of %d users is written again", len(self._users))
        self._doubt_all()
        asyncio.get_running_loop().call_later(SECOND_LOOK, self._doubt_all)

    def _doubt_all(self) -> None:
        self._doubtful |= self._users
        self._doubt.set()

    async def _receive(self, subscription: Subscription) -> None:
        async for where, payload in subscription:
            try:
                if where == neighbours.CHANNEL:
                    await self._meet(payload)
                    continue
                self.tally.received += 1
                batch = DeliveryBatch.FromString(payload)
                if self._deliver is not None:
                    self._deliver(batch)
            except StoreError as error:
                log.warning("another process got no answer, the next renewal repairs it: %s", error)
            except Exception:  # a batch that cannot be delivered must not end the pushing of all others
                log.exception("a pushed batch could not be delivered")

    async def _meet(self, word: bytes) -> None:
        asks = self._neighbours.hear(word, time.monotonic())
        await self._look_around()
        if asks:
            await self._cache.publish(neighbours.CHANNEL, self._neighbours.here())
        self._introduced.set()

    async def _look_around(self) -> None:
        """A process that hosts all services writes down whom it is connected to once there is somebody to read it."""
        alone = self._single_process and not self._neighbours.count(time.monotonic())
        if alone == self._alone:
            return
        self._alone = alone
        log.info("another process holds connections of this system, too" if not alone else "no other process is left")
        if not alone:
            await self._each(self._users, self._settle)

    async def _send(self, batches: list[DeliveryBatch]) -> None:
        users = list({user_id for batch in batches for delivery in batch.delivery for user_id in delivery.user_id})
        members = await self._cache.set_members([presence_key(user_id) for user_id in users]) if users else []
        presence = dict(zip(users, members, strict=True))
        merged: dict[str, DeliveryBatch] = {}
        revoked = DeliveryBatch()
        for batch in batches:
            for replica, part in split_by_replica(batch, presence, self._instance).items():
                merged.setdefault(replica, DeliveryBatch()).MergeFrom(part)
            revoked.revoked_session.extend(batch.revoked_session)
            revoked.revoked_user.extend(batch.revoked_user)
        self.tally.remote += len(merged)
        for replica, part in merged.items():
            if not await self._cache.publish(channel(replica), part.SerializeToString()):
                await self._forget(replica, users, presence)
        if revoked.revoked_session or revoked.revoked_user:
            await self._cache.publish(ALL, revoked.SerializeToString())

    async def _forget(self, replica: str, users: list[str], presence: Mapping[str, AbstractSet[str]]) -> None:
        """Nobody listens on the channel of `replica`: it is gone."""
        log.info("replica %s is gone, its presence is removed", replica)
        self._neighbours.lose(replica)
        for user_id in users:
            if replica in presence[user_id]:
                await self._cache.set_remove(presence_key(user_id), replica)
