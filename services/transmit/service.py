"""The transmit service: makes messages durable and ordered, and says who is to hear of them.

The meaning of a send is in services/transmit/batch.py; here the parts are put together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from services.protocol.base_pb2 import STRING
from services.protocol.transmit_pb2 import NewMessageReq, SendRsp
from services.runtime.context import Hosted, Runtime
from services.runtime.profiles import Profiles
from services.transmit.answer import send_answer
from services.transmit.attachments import Attachments
from services.transmit.batch import Refused, Stored, store_batch
from services.transmit.draft import Draft, check, text_draft
from services.transmit.membership import MemberLists
from services.transmit.pipeline import Pipeline
from services.transmit.relay import Relay


class TransmitService:
    name = "transmit"

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._clock = runtime.clock
        self._feeds_search = runtime.search.needs_events
        self._max_text = runtime.settings.integer("transmit", "maxTextSize")
        self._members = MemberLists()
        self._profiles = Profiles(runtime.clients, runtime.clock, with_picture=True)
        self._attachments = Attachments(runtime.clients, runtime.database)
        self._pipeline = Pipeline(
            self._write,
            max_batch=runtime.settings.integer("transmit", "maxBatch"),
            queue_limit=runtime.settings.integer("transmit", "queueLimit"),
        )
        self._relay = Relay(runtime.database, runtime.queue)
        self._stored = Counter("chatsystem_messages_stored_total", "Messages made durable.", registry=runtime.metrics)
        self._refused = Counter(
            "chatsystem_messages_refused_total", "Sends refused inside the transaction.", registry=runtime.metrics
        )
        self._batch = Histogram(
            "chatsystem_transmit_batch_messages",
            "Messages that shared one transaction.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=runtime.metrics,
        )
        waiting = Gauge(
            "chatsystem_transmit_waiting_messages", "Messages that wait for the database.", registry=runtime.metrics
        )
        waiting.set_function(lambda: self._pipeline.depth)
        self.handlers: Mapping[str, Callable[..., Any]] = {"Send": self.send}

    async def start(self) -> None:
        self._relay.start()

    async def drain(self) -> None:
        await self._pipeline.drained()

    async def stop(self) -> None:
        await self._pipeline.drained()
        await self._relay.stop()

    async def send(self, request: NewMessageReq) -> SendRsp:
        """Stores one message. The answer is given when it would survive a power cut. Raises Refusal."""
        content = check(request, self._max_text)
        if content.message_type == STRING:
            draft = text_draft(request, content)
        else:
            draft = await self._attachments.store(request)
        stored = self._pipeline.submit(draft)
        sender = self._profiles.remembered(request.user_id)
        if sender is not None:
            return send_answer(request, await stored, sender)
        # Looked up while the message is stored: what others send meanwhile is not to be pushed before it.
        looking_up = asyncio.ensure_future(self._profiles.get([request.user_id]))
        try:
            return send_answer(request, await stored, (await looking_up)[request.user_id])
        finally:
            looking_up.cancel()

    async def _write(self, drafts: Sequence[Draft]) -> Sequence[Stored | Refused]:
        now = int(self._clock() * 1000)
        result = await self._database.write(
            lambda connection: store_batch(
                connection, drafts, now=now, remembered=self._members.get, feeds_search=self._feeds_search
            )
        )
        self._members.remember(result.members)
        if result.events:
            self._relay.wake()
        refused = sum(isinstance(outcome, Refused) for outcome in result.outcomes)
        duplicates = sum(isinstance(outcome, Stored) and outcome.duplicate for outcome in result.outcomes)
        self._batch.observe(len(drafts))
        self._stored.inc(len(drafts) - refused - duplicates)
        if refused:
            self._refused.inc(refused)
        return result.outcomes


def create(runtime: Runtime) -> Hosted:
    return TransmitService(runtime)
