"""Voice messages get a transcript: the consumer of topic `transcripts`.

An event names a message. What is already transcribed, deleted, or without a file is acknowledged at once, so a repeated
event does nothing. While the database is away, events wait. What else can be expected to succeed later (recognition overloaded or
unreachable, the files away) is retried by the queue and ends in the dead letters, from where it can be replayed. What recognition refuses for good (no model is set
up, the speech is too long, not PCM) is acknowledged: the message stays without transcript and nothing piles up in a system
that has no model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter

from services.protocol.base_pb2 import SPEECH
from services.protocol.file_pb2 import ReadFilesReq
from services.protocol.gateway_pb2 import Delivery, DeliveryBatch, ServerFrame, TranscriptEvent
from services.protocol.speech_pb2 import SpeechRecognitionReq
from services.runtime.context import Runtime
from services.runtime.events import SEARCH, TRANSCRIPTS, IndexEvent, MessageEvent
from services.runtime.rpc import Unavailable
from services.stores.folding import fold
from services.stores.ports import Connection, Consumption, NotNow, Parcel, StoreError

logger = logging.getLogger(__name__)

GROUP = "store"

_TIMEOUT = 300.0
_LONGEST = 60_000  # what the column holds, in characters


OUTCOMES = ("recognised", "empty", "unchanged", "no_file", "refused", "postponed", "failed")


class Postponed(Exception):
    """Recognition could not be done now."""


def transcript_counter(registry: CollectorRegistry) -> Callable[[str], None]:
    """Counts one of OUTCOMES in `registry`."""
    outcomes = Counter(
        "chatsystem_transcripts_total",
        "Voice messages handled, by outcome (recognised, empty: nothing was understood, unchanged: transcribed or "
        "deleted already, no_file, refused: it stays without transcript, postponed: it is tried again, failed).",
        ["outcome"],
        registry=registry,
    )
    known = {outcome: outcomes.labels(outcome) for outcome in OUTCOMES}
    return lambda outcome: known[outcome].inc()


class Transcripts:
    """`count` is told the outcome of each attempt."""

    def __init__(self, runtime: Runtime, count: Callable[[str], None] = lambda outcome: None) -> None:
        self._runtime = runtime
        self._count = count
        self._consumption: Consumption | None = None

    async def start(self) -> None:
        """Recognitions take seconds, so few events are taken at once and another replica gets the others."""
        self._consumption = await self._runtime.queue.consume(TRANSCRIPTS, GROUP, self.handle, prefetch=4)

    async def stop(self) -> None:
        if self._consumption is not None:
            await self._consumption.close()
            self._consumption = None

    async def handle(self, parcels: Sequence[Parcel]) -> Mapping[str, Exception]:
        """Returns the parcels that failed, and why. Raises NotNow while the database is away: those that are done already are
        not done again."""
        errors = await asyncio.gather(*(self._attempt(parcel) for parcel in parcels))
        for error in errors:
            if isinstance(error, StoreError) and error.retryable:
                raise NotNow(str(error)) from error
        return {parcel.id: error for parcel, error in zip(parcels, errors, strict=True) if error is not None}

    async def _attempt(self, parcel: Parcel) -> Exception | None:
        try:
            outcome = await self._transcribe(MessageEvent.decode(parcel.payload))
        except Exception as error:  # noqa: BLE001 - the queue counts the attempts and keeps the reason
            self._count("postponed" if isinstance(error, Postponed) else "failed")
            logger.warning("a voice message was not transcribed (attempt %d): %s", parcel.attempt, error)
            return error
        self._count(outcome)
        return None

    async def _transcribe(self, event: MessageEvent) -> str:
        """The outcome, one of OUTCOMES."""
        rows = await self._runtime.database.read(
            lambda connection: connection.execute(
                "SELECT file_id, user_id FROM message WHERE message_id = ? AND message_type = ? AND transcript IS NULL",
                [event.message_id, SPEECH],
            )
        )
        if not rows:
            return "unchanged"
        file_id, user_id = rows[0]
        files = await self._runtime.clients.call("file", "ReadFiles", ReadFilesReq(file_id=[file_id]), timeout=60.0)
        if not files.success:
            raise Postponed(files.errmsg)
        content = files.content.get(file_id)
        if content is None:
            logger.warning("a voice message has no file and gets no transcript")
            return "no_file"
        try:
            answer = await self._runtime.clients.call(
                "speech",
                "SpeechRecognition",
                SpeechRecognitionReq(request_id=event.message_id, speech_content=content, user_id=user_id),
                timeout=_TIMEOUT,
            )
        except Unavailable as error:
            raise Postponed(str(error)) from error
        if not answer.success:
            if answer.retry_after_ms:
                raise Postponed(answer.errmsg)
            logger.info("a voice message stays without transcript: %s", answer.errmsg)
            return "refused"
        transcript = answer.recognition_result.strip()[:_LONGEST]
        await self._keep(event, transcript)
        return "recognised" if transcript else "empty"

    async def _keep(self, event: MessageEvent, transcript: str) -> None:
        def work(connection: Connection) -> list[str]:
            changed = connection.change(
                "UPDATE message SET transcript = ?, search_text = ? WHERE message_id = ? AND transcript IS NULL",
                [transcript, fold(transcript), event.message_id],
            )
            if not changed:
                return []
            rows = connection.execute(
                "SELECT user_id FROM chat_session_member WHERE chat_session_id = ?", [event.chat_session_id]
            )
            if self._runtime.search.needs_events:
                connection.insert_many(
                    "outbox",
                    ("topic", "event", "created_at"),
                    [(SEARCH, IndexEvent((event.message_id,)).encode(), int(self._runtime.clock() * 1000))],
                )
            return [str(row[0]) for row in rows]

        members = await self._runtime.database.write(work)
        if members and transcript:
            frame = ServerFrame(
                transcript=TranscriptEvent(
                    chat_session_id=event.chat_session_id,
                    message_id=event.message_id,
                    seq=event.seq,
                    transcript=transcript,
                )
            )
            await self._runtime.push.publish(DeliveryBatch(delivery=[Delivery(user_id=members, frame=frame)]))
