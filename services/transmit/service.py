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
from services.runtime.refusal import Refusal
from services.transmit.answer import send_answer
from services.transmit.attachments import Attachments
from services.transmit.batch import NO_SUCH_FILE, NOT_A_MEMBER, OTHER_BODY, Refused, Stored, store_batch
from services.transmit.draft import Draft, check, text_draft
from services.transmit.membership import MemberLists
from services.transmit.outbox_metrics import OutboxFigures, RelayMetrics
from services.transmit.pipeline import OVERLOADED, STORE_AWAY, Pipeline
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
        self._submit = self._pipeline.submit
        self._relay = Relay(runtime.database, runtime.queue, RelayMetrics(runtime.metrics))
        self._outbox = OutboxFigures(runtime)
        self._stored = Counter("chatsystem_messages_stored_total", "Messages made durable.", registry=runtime.metrics)
        self._duplicates = Counter(
            "chatsystem_messages_duplicate_total",
            "Sends that repeated a stored message and got its answer again.",
            registry=runtime.metrics,
        )
        refused = Counter(
            "chatsystem_messages_refused_total",
            "Sends refused, by reason (invalid, not_a_member, other_body: its request id was used for another message, "
            "no_such_file, overloaded, store_away).",
            ["reason"],
            registry=runtime.metrics,
        )
        self._refused = {reason: refused.labels(reason) for reason in (INVALID, *REASONS.values())}
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
        try:
            return await self._send(request)
        except Refusal as refusal:
            self._refused[REASONS.get(refusal.message, INVALID)].inc()
            raise

    async def _send(self, request: NewMessageReq) -> SendRsp:
        content = check(request, self._max_text)
        if content.message_type == STRING:
            draft = text_draft(request, content)
        else:
            draft = await self._attachments.store(request)
        stored = self._submit(draft)
        sender = self._profiles.remembered(request.user_id)
        if sender is not None:
            return send_answer(request, await stored, sender)
        # Looked up while the message is stored: what others send meanwhile is not to be pushed before it.
        looking_up = asyncio.ensure_future(self._profiles.get([request.user_id]))
        try:
            return send_answer(request, await stored, (await looking_up)[request.user_id])
        finally:
            looking_up.cancel()

    async def _write(self, drafts: Sequence[Draft], doubtful: bool) -> Sequence[Stored | Refused]:
        now = int(self._clock() * 1000)
        result = await self._database.write(
            lambda connection: store_batch(
                connection,
                drafts,
                now=now,
                remembered=self._members.get,
                feeds_search=self._feeds_search,
                doubtful=doubtful,
            ),
            concurrent=True,
        )
        self._members.remember(result.members)
        if result.events:
            self._relay.wake()
        refused = sum(isinstance(outcome, Refused) for outcome in result.outcomes)
        duplicates = sum(isinstance(outcome, Stored) and outcome.duplicate for outcome in result.outcomes)
        self._batch.observe(len(drafts))
        self._stored.inc(len(drafts) - refused - duplicates)
        if duplicates:
            self._duplicates.inc(duplicates)
        return result.outcomes


INVALID = "invalid"
REASONS = {
    NOT_A_MEMBER: "not_a_member",
    OTHER_BODY: "other_body",
    NO_SUCH_FILE: "no_such_file",
    OVERLOADED: "overloaded",
    STORE_AWAY: "store_away",
}
"""What the sender is told -> what is counted."""


def create(runtime: Runtime) -> Hosted:
    if runtime.tracer is None:
        return TransmitService(runtime)
    from services.transmit.traced import TracedTransmitService

    return TracedTransmitService(runtime, runtime.tracer)
