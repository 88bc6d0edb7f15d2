"""Voice messages are transcribed once, told of, and found by their transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.protocol.gateway_pb2 import DeliveryBatch
from services.protocol.speech_pb2 import SpeechRecognitionReq, SpeechRecognitionRsp
from services.protocol.store_pb2 import GetPageReq, SearchMessagesReq
from services.runtime.events import TRANSCRIPTS, MessageEvent
from services.runtime.refusal import Refusal
from services.store.transcripts import Transcripts
from services.stores.ports import NotNow, Parcel, StoreError
from tests.testbed.messaging import rows, send, voice
from tests.testbed.runtime import TestRuntime

SPEECH = b"\1\0" * 1000


class Recogniser:
    """Stands for the speech service: the real one needs a model of 250 MB."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.heard: list[bytes] = []

    async def recognise(self, request: SpeechRecognitionReq) -> SpeechRecognitionRsp:
        self.heard.append(request.speech_content)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return SpeechRecognitionRsp(request_id=request.request_id, success=True, recognition_result=answer)


@pytest.fixture
def recognise(chat: TestRuntime) -> Callable[..., Recogniser]:
    def make(*answers: str | Exception) -> Recogniser:
        made = Recogniser(*answers)
        chat.clients.host("speech", {"SpeechRecognition": made.recognise})
        return made

    return make


def pushes(chat: TestRuntime) -> list[DeliveryBatch]:
    got: list[DeliveryBatch] = []
    chat.push.attach(got.append)  # type: ignore[attr-defined]
    return got


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def handled(chat: TestRuntime, message_id: str, attempt: int = 1) -> list[str]:
    """The failures of handling the event of a message, in words."""
    parcel = Parcel("1", MessageEvent(message_id, "pair", 1).encode(), attempt)
    return [str(error) for error in (await Transcripts(chat).handle([parcel])).values()]


async def test_a_voice_message_gets_a_transcript_that_is_told_of_and_found(
    chat: TestRuntime, recognise: Callable[..., Recogniser]
) -> None:
    speech, got = recognise("明天 ＡＢＣ 见"), pushes(chat)
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    await until(lambda: got)
    (delivery,) = got[0].delivery
    assert sorted(delivery.user_id) == ["ann", "bob"]
    event = delivery.frame.transcript
    assert (event.chat_session_id, event.message_id, event.seq, event.transcript) == (
        "pair",
        message_id,
        1,
        "明天 ＡＢＣ 见",
    )
    assert speech.heard == [SPEECH]
    page = await chat.clients.call("store", "GetPage", GetPageReq(user_id="bob", chat_session_id="pair"))
    assert page.message[0].transcript == "明天 ＡＢＣ 见"
    found = await chat.clients.call("store", "SearchMessages", SearchMessagesReq(user_id="bob", search_key="abc"))
    assert [message.info.message_id for message in found.message] == [message_id]


async def test_a_repeated_event_recognises_nothing_again(
    chat: TestRuntime, recognise: Callable[..., Recogniser]
) -> None:
    speech, got = recognise("你好"), pushes(chat)
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    await until(lambda: got)
    assert await handled(chat, message_id) == []
    assert len(speech.heard) == 1
    assert len(got) == 1


async def test_an_event_handled_twice_at_once_is_told_of_once(
    chat: TestRuntime, recognise: Callable[..., Recogniser]
) -> None:
    refusing = recognise(Refusal("语音识别未启用"))
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    await until(lambda: refusing.heard)
    speech, got = recognise("first", "second"), pushes(chat)
    together, hear = asyncio.Barrier(2), speech.recognise

    async def slowly(request: SpeechRecognitionReq) -> SpeechRecognitionRsp:
        await together.wait()
        return await hear(request)

    chat.clients.host("speech", {"SpeechRecognition": slowly})
    await asyncio.gather(handled(chat, message_id), handled(chat, message_id))
    assert await rows(chat, "SELECT transcript FROM message") == [("first",)]
    assert len(got) == 1


async def test_speech_without_words_is_not_listened_to_again(
    chat: TestRuntime, recognise: Callable[..., Recogniser]
) -> None:
    speech, got = recognise(""), pushes(chat)
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    await until(lambda: speech.heard)
    async with asyncio.timeout(10):
        while await rows(chat, "SELECT 1 FROM message WHERE transcript IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await handled(chat, message_id) == []
    assert (len(speech.heard), got) == (1, [])


async def test_without_a_model_the_message_stays_without_transcript_and_nothing_piles_up(
    chat: TestRuntime, recognise: Callable[..., Recogniser]
) -> None:
    speech = recognise(Refusal("未启用语音识别"))
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    await until(lambda: speech.heard)
    assert await handled(chat, message_id) == []
    assert await chat.queue.dead_letters(TRANSCRIPTS, "store") == []


async def test_an_overloaded_recogniser_is_asked_again_by_the_queue(
    chat: TestRuntime, recognise: Callable[..., Recogniser]
) -> None:
    recognise(Refusal("语音识别繁忙，请稍后再试", retry_after=2.0), "你好")
    got = pushes(chat)
    await send(chat, voice("ann", "pair", SPEECH))
    await until(lambda: got)
    assert got[0].delivery[0].frame.transcript.transcript == "你好"


async def test_a_speech_service_that_is_off_is_a_failure_to_retry(chat: TestRuntime) -> None:
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    assert len(await handled(chat, message_id)) == 1


@pytest.mark.parametrize(
    "payload", [b"", b"junk", b"[]", b'{"message_id": 1, "chat_session_id": "", "seq": 1}', b"\xff"]
)
async def test_a_poisoned_event_is_a_failure_and_stops_nothing(
    chat: TestRuntime, recognise: Callable[..., Recogniser], payload: bytes
) -> None:
    recognise("你好")
    message_id = (await send(chat, voice("ann", "pair", SPEECH))).message.message_id
    good = Parcel("good", MessageEvent(message_id, "pair", 1).encode(), 1)
    assert list(await Transcripts(chat).handle([Parcel("bad", payload, 1), good])) == ["bad"]


async def test_a_deleted_message_is_forgotten(chat: TestRuntime, recognise: Callable[..., Recogniser]) -> None:
    speech = recognise("你好")
    assert await handled(chat, "no-such-message") == []
    assert speech.heard == []


async def test_while_the_database_is_away_events_wait_and_use_up_no_attempts(
    chat: TestRuntime, recognise: Callable[..., Recogniser], monkeypatch: pytest.MonkeyPatch
) -> None:
    speech = recognise("hello")

    async def away(*arguments: Any) -> Any:
        raise StoreError("away")

    monkeypatch.setattr(chat.database, "read", away)
    with pytest.raises(NotNow, match="away"):
        await handled(chat, "m1")
    assert speech.heard == []
