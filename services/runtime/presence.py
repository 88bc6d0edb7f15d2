"""The push bus of a system of several processes: presence and channels in the cache.

`presence:<user>` is the set of gateway replicas that hold connections of a user, kept alive by those replicas;
`push:<replica>` is the channel of one replica. A batch goes to the replicas its users are connected to and to no others;
only revocations, which must reach sessions nobody knows the place of, go to all on `push:all`. A replica that was lost
stops renewing, and the first batch that finds nobody listening on its channel takes it off the sets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from services.protocol.base_pb2 import MessageContent
from services.protocol.gateway_pb2 import Delivery, DeliveryBatch
from services.runtime.push import PushTally
from services.stores.ports import Cache, StoreError, Subscription

log = logging.getLogger(__name__)

PRESENCE_TTL = 90.0
"""Seconds after which the users of a lost replica no longer count as connected to it."""
RENEWAL = 30.0
ALL = "push:all"
AT_ONCE = 64
"""Presence changes that are in flight together."""
CONTENT = 64 * 1024
"""Bytes of a picture, file or voice message that travel to another replica. Clients fetch a larger content by its file_id:
a server of the Redis protocol cuts a subscriber off for whom tens of megabytes wait, and everything it would have got is lost."""
BACKLOG = 10_000
"""Batches that may wait for the cache; a further one is dropped, as pushes are hints."""


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
        if shared.HasField("notify"):
            _leave_large_content_out(shared.notify.new_message_info.message_info.message)
        for replica, user_ids in recipients.items():
            del shared.user_id[:]
            shared.user_id.extend(user_ids)
            parts.setdefault(replica, DeliveryBatch()).delivery.append(shared)
    return parts


_CONTENT_FIELDS = {
    "image_message": "image_content",
    "file_message": "file_contents",
    "speech_message": "file_contents",
}


def _leave_large_content_out(message: MessageContent) -> None:
    kind = message.WhichOneof("msg_content")
    if kind in _CONTENT_FIELDS:
        part: Any = getattr(message, kind)
        if part.file_id and len(getattr(part, _CONTENT_FIELDS[kind])) > CONTENT:
            part.ClearField(_CONTENT_FIELDS[kind])


class PresencePushBus:
    """See services.runtime.push.PushBus. Batches are sent by one task, in the order in which they came."""

    def __init__(
        self, cache: Cache, instance: str, *, presence_ttl: float = PRESENCE_TTL, renewal: float = RENEWAL
    ) -> None:
        self._cache = cache
        self._instance = instance
        self._ttl = presence_ttl
        self._renewal = renewal
        self._deliver: Callable[[DeliveryBatch], None] | None = None
        self._users: set[str] = set()
        self._locks = [asyncio.Lock() for _ in range(AT_ONCE)]
        self._waiting: list[tuple[DeliveryBatch, asyncio.Future[None]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._subscription: Subscription | None = None
        self._closed = False
        self.tally = PushTally()

    def attach(self, deliver: Callable[[DeliveryBatch], None]) -> None:
        self._deliver = deliver

    async def start(self) -> None:
        self._subscription = await self._cache.subscribe(channel(self._instance), ALL)
        self._tasks = [
            asyncio.create_task(self._receive(self._subscription), name="push-receive"),
            asyncio.create_task(self._renew(), name="push-renew"),
        ]

    async def publish(self, batch: DeliveryBatch) -> None:
        self.tally.batches += 1
        if self._deliver is not None:
            self._deliver(batch)
        if self._closed:
            return
        if len(self._waiting) >= BACKLOG:
            self.tally.dropped_backlog += 1
            log.warning("push dropped: %d batches wait for the cache", len(self._waiting))
            return
        sent = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, sent))
        self.tally.waiting = len(self._waiting)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send(), name="push-send")
        await sent

    async def online(self, user_id: str) -> None:
        self._users.add(user_id)
        await self._settle(user_id)

    async def offline(self, user_id: str) -> None:
        self._users.discard(user_id)
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
            self._subscription = None
        users, self._users = self._users, set()
        await self._each(users, self._settle)
        if self._sender is not None:
            await self._sender

    async def _settle(self, user_id: str) -> None:
        """Brings the presence of one user to what this process knows now; calls for one user take turns, so that a quick
        off and on cannot end in the wrong order."""
        try:
            async with self._locks[hash(user_id) % AT_ONCE]:
                if user_id in self._users:
                    await self._cache.set_add(presence_key(user_id), self._instance, ttl=self._ttl)
                else:
                    await self._cache.set_remove(presence_key(user_id), self._instance)
        except StoreError as error:
            log.warning("presence not written, the next renewal repairs it: %s", error)

    async def _each(self, users: Iterable[str], change: Callable[[str], Awaitable[None]]) -> None:
        waiting = iter(list(users))
        while part := list(islice(waiting, AT_ONCE)):
            await asyncio.gather(*(change(user_id) for user_id in part))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._renewal)
            await self._each(self._users, self._settle)

    async def _receive(self, subscription: Subscription) -> None:
        async for _, payload in subscription:
            self.tally.received += 1
            try:
                batch = DeliveryBatch.FromString(payload)
                if self._deliver is not None:
                    self._deliver(batch)
            except Exception:  # a batch that cannot be delivered must not end the pushing of all others
                log.exception("a pushed batch could not be delivered")

    async def _send(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                self.tally.waiting = 0
                try:
                    await self._send_batches([batch for batch, _ in waiting])
                except StoreError as error:
                    self.tally.dropped_cache += len(waiting)
                    log.warning("push to other replicas dropped: %s", error)
                except Exception:
                    log.exception("push to other replicas failed")
                for _, sent in waiting:
                    if not sent.done():
                        sent.set_result(None)
        finally:
            self._sender = None

    async def _send_batches(self, batches: list[DeliveryBatch]) -> None:
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
        for user_id in users:
            if replica in presence[user_id]:
                await self._cache.set_remove(presence_key(user_id), replica)
