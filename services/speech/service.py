"""The speech service as the runtime hosts it: recognition beside the event loop, with a bound on how many wait.

The model is loaded in a thread while the service already answers; calls that come before it is there wait for it. Without a
model, or with one that cannot be used, the operation says so and everything else works.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import Gauge, Histogram

from services.protocol.speech_pb2 import SpeechRecognitionReq, SpeechRecognitionRsp
from services.runtime.context import Hosted, Runtime
from services.runtime.pool import BoundedPool, Overloaded
from services.runtime.refusal import Refusal
from services.speech.pcm import samples
from services.speech.recogniser import Recogniser, RecogniserError, VoskRecogniser

log = logging.getLogger(__name__)

_OFF = "语音识别未启用"


class SpeechService:
    """`load` makes the recogniser, blocking; None: there is none."""

    name = "speech"

    def __init__(self, runtime: Runtime, load: Callable[[], Recogniser] | None) -> None:
        settings = runtime.settings
        self._load = load
        self._max_seconds = settings.integer("speech", "maxSeconds")
        self._pool = BoundedPool(
            "speech",
            workers=settings.integer("speech", "workers"),
            queue_limit=settings.integer("speech", "queueLimit"),
        )
        runtime.pools.watch(self._pool)
        self._waiting = 0
        self._most_waiting = settings.integer("speech", "queueLimit") + settings.integer("speech", "workers")
        self._recogniser: asyncio.Task[Recogniser | None] | None = None
        self._seconds = Histogram(
            "chatsystem_speech_seconds", "Time from a request for recognition to its text.", registry=runtime.metrics
        )
        waiting = Gauge("chatsystem_speech_waiting", "Recognitions that run or wait.", registry=runtime.metrics)
        waiting.set_function(lambda: self._waiting)
        self.handlers: Mapping[str, Callable[..., Any]] = {"SpeechRecognition": self.speech_recognition}

    async def start(self) -> None:
        if self._load is not None:
            self._recogniser = asyncio.create_task(self._loaded(self._load), name="load of the speech model")

    async def drain(self) -> None:
        """Every call is finished by the RPC layer before this."""

    async def stop(self) -> None:
        if self._recogniser is not None:
            self._recogniser.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._recogniser
        await self._pool.close()

    async def speech_recognition(self, request: SpeechRecognitionReq) -> SpeechRecognitionRsp:
        """The text of an utterance, empty if nothing was understood."""
        if self._recogniser is None:
            raise Refusal(_OFF)
        pcm = samples(request.speech_content, self._max_seconds)
        if self._waiting >= self._most_waiting:
            raise Refusal("语音识别繁忙，请稍后再试", retry_after=2.0)
        self._waiting += 1
        try:
            recogniser = await asyncio.shield(self._recogniser)
            if recogniser is None:
                raise Refusal(_OFF)
            with self._seconds.time():
                text = await self._pool.run(recogniser.recognise, pcm)
        except Overloaded as error:
            raise Refusal("语音识别繁忙，请稍后再试", retry_after=2.0) from error
        finally:
            self._waiting -= 1
        return SpeechRecognitionRsp(request_id=request.request_id, success=True, recognition_result=text)

    async def _loaded(self, load: Callable[[], Recogniser]) -> Recogniser | None:
        try:
            return await self._pool.run(load)
        except RecogniserError as error:
            log.error("speech recognition is off: %s", error)
            return None


def create(runtime: Runtime) -> Hosted:
    path = runtime.settings.text("speech", "modelPath")
    phrases = [phrase.strip() for phrase in runtime.settings.text("speech", "phrases").split(",") if phrase.strip()]
    return SpeechService(runtime, (lambda: VoskRecogniser(path, phrases)) if path else None)
