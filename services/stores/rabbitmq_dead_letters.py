"""The dead letters of a group in RabbitMQ: listed, and replayed to the group that gave up on them.

AMQP has no way to look at a queue without taking from it. Letters are taken, read and given back, so two people who look
at the same time see different parts; nobody loses one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelNotFoundEntity

from services.stores.ports import DeadLetter, StoreError
from services.stores.rabbitmq_bundle import Bundle, Entry, foreign
from services.stores.rabbitmq_delivery import FOREIGN
from services.stores.rabbitmq_link import Link, answered
from services.stores.rabbitmq_publisher import Outgoing, Publisher
from services.stores.rabbitmq_topology import Group

BURIED = "buried"
"""Header: when the consumer gave up, in Unix seconds. One without it, of an earlier version, has no age."""


async def listed(link: Link, group: Group, limit: int, timeout: float) -> list[DeadLetter]:
    """At most `limit`. Raises StoreError."""
    letters: list[DeadLetter] = []
    async with link.brief_channel() as channel:
        queue = await existing(channel, group.dead, timeout)
        if queue is None:
            return []
        message = None
        while len(letters) < limit and (taken := await answered(queue.get(fail=False), timeout)):
            message = taken
            letters += _letters(message, group)
        await _give_back(message, timeout)
    return letters[:limit]


async def replayed(link: Link, publisher: Publisher, group: Group, ids: Collection[str] | None, timeout: float) -> int:
    """Puts the letters with these ids, or all, into the group's queue as if they were new. Raises StoreError."""
    done: set[str] = set()
    async with link.brief_channel() as channel:
        queue = await existing(channel, group.dead, timeout)
        if queue is None:
            return 0
        await answered(group.declare(channel), timeout)
        last = None
        while message := await answered(queue.get(fail=False), timeout):
            bundle, reason = _read(message)
            # One that is dead again already is left alone, or a handler that always fails would keep us here.
            wanted = {bundle.id(entry) for entry in bundle.entries} - done
            wanted &= wanted if ids is None else frozenset(ids)
            if not wanted:
                last = message
                continue
            chosen = [replace(entry, failures=0) for entry in bundle.entries if bundle.id(entry) in wanted]
            rest = [entry for entry in bundle.entries if bundle.id(entry) not in wanted]
            await publisher.put(
                [
                    *_outgoing(bundle, chosen, group.queue, {}),
                    *_outgoing(bundle, rest, group.dead, _headers(message, reason)),
                ]
            )
            await answered(message.ack(), timeout)
            done |= wanted
        await _give_back(last, timeout)
    return len(done)


async def dropped(link: Link, group: Group, keep: int, before: float, timeout: float) -> int:
    """Takes the oldest away as long as there are more messages than `keep`, or they were buried before a time (Unix seconds).
    Returns the number of letters in them. Raises StoreError."""
    count = 0
    async with link.brief_channel() as channel:
        queue = await existing(channel, group.dead, timeout)
        if queue is None:
            return 0
        while message := await answered(queue.get(fail=False), timeout):
            # Those that are left besides this one, as the server counts them now: others may be dropping, too.
            surplus = (message.message_count or 0) >= keep
            if not surplus and float(str(message.headers.get(BURIED, before))) >= before:
                # Those behind it are younger, but for what a replay has put back.
                await _give_back(message, timeout)
                break
            await answered(message.ack(), timeout)
            count += len(_read(message)[0].entries)
    return count


async def existing(channel: AbstractChannel, name: str, timeout: float) -> AbstractQueue | None:
    """A queue, or None if there is none; then the channel is closed. Raises StoreError."""
    try:
        return await answered(channel.declare_queue(name, passive=True), timeout)
    except StoreError as error:
        if isinstance(error.__cause__, ChannelNotFoundEntity):
            return None
        raise


def burial(reason: str, now: float) -> dict[str, str]:
    """The headers of a dead letter. `now` in Unix seconds."""
    return {"reason": reason, BURIED: f"{now:.0f}"}


def _headers(message: AbstractIncomingMessage, reason: str) -> dict[str, str]:
    buried = message.headers.get(BURIED)
    return {"reason": reason} if buried is None else {"reason": reason, BURIED: str(buried)}


def _outgoing(bundle: Bundle, entries: list[Entry], queue: str, headers: Mapping[str, str]) -> list[Outgoing]:
    return [Outgoing(Bundle(bundle.origin, tuple(entries)), "", queue, headers)] if entries else []


async def _give_back(last: AbstractIncomingMessage | None, timeout: float) -> None:
    """All that was taken up to `last` and not acknowledged. Not left to the closing of the channel, because what happens
    after that may see the queue without them."""
    if last is not None:
        await answered(last.nack(multiple=True, requeue=True), timeout)


def _letters(message: AbstractIncomingMessage, group: Group) -> list[DeadLetter]:
    bundle, reason = _read(message)
    return [
        DeadLetter(bundle.id(entry), group.topic.topic, entry.payload, reason, entry.failures)
        for entry in bundle.entries
    ]


def _read(message: AbstractIncomingMessage) -> tuple[Bundle, str]:
    """What a dead letter holds, and why it is here."""
    try:
        bundle = Bundle.decode(message.body)
    except ValueError:
        bundle = foreign(message.body)
    return bundle, str(message.headers.get("reason", FOREIGN))
