"""The transmit service with a span for every batch, linked to the sends in it: they share the batch's fate and its time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from services.observation.tracer import Tracer
from services.runtime.context import Runtime
from services.transmit.batch import Refused, Stored
from services.transmit.draft import Draft
from services.transmit.service import TransmitService


class TracedTransmitService(TransmitService):
    """See services.transmit.service.TransmitService."""

    def __init__(self, runtime: Runtime, tracer: Tracer) -> None:
        super().__init__(runtime)
        self._tracer = tracer
        self._origins: dict[int, Any] = {}
        """Draft, by its identity -> the span of its send, until the send is answered."""
        self._submit = self._submit_traced

    def _submit_traced(self, draft: Draft) -> asyncio.Future[Stored]:
        future = self._pipeline.submit(draft)
        key = id(draft)
        self._origins[key] = self._tracer.current()
        # The callback holds the draft, so that its identity is nobody else's before then.
        future.add_done_callback(lambda _, draft=draft: self._origins.pop(id(draft), None))  # type: ignore[misc]
        return future

    async def _write(self, drafts: Sequence[Draft], doubtful: bool) -> Sequence[Stored | Refused]:
        links = [self._origins.get(id(draft)) for draft in drafts]
        # The first send's trace has the batch in it, the others are linked: the task that runs this began in any send.
        attributes = {"chatsystem.messages": len(drafts)}
        parent = self._tracer.parent_of(links[0]) if links else ""
        with self._tracer.span("transmit batch", attributes=attributes, parent=parent, links=links):
            return await super()._write(drafts, doubtful)
