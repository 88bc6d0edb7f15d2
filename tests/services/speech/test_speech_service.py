"""The operation: what it answers with and without a model, and under load."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.protocol.speech_pb2 import SpeechRecognitionReq, SpeechRecognitionRsp
from services.speech.recogniser import Recogniser, RecogniserError
from services.speech.service import SpeechService, create
from tests.services.speech.conftest import Speak
from tests.testbed.runtime import MakeRuntime, TestRuntime

PCM = bytes(3200)


class Gate:
    """A recogniser that waits until it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.running = 0
        self.most = 0

    def recognise(self, pcm: bytes) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        self.open.wait(20)
        self.running -= 1
        return str(len(pcm))


async def hosted(
    runtime: TestRuntime, load: Callable[[], Recogniser] | None, *, workers: int = 1, queue: int = 2
) -> None:
    values = {**runtime.settings.values, ("speech", "workers"): workers, ("speech", "queueLimit"): queue}
    runtime.settings = replace(runtime.settings, values=values)
    await runtime.host(SpeechService(runtime, load))


async def recognise(runtime: TestRuntime, content: bytes = PCM) -> SpeechRecognitionRsp:
    answer: SpeechRecognitionRsp = await runtime.clients.call(
        "speech", "SpeechRecognition", SpeechRecognitionReq(request_id="r1", speech_content=content)
    )
    return answer


async def test_without_a_model_the_operation_says_so(runtime: TestRuntime) -> None:
    await runtime.host(create(runtime))
    answer = await recognise(runtime)
    assert (answer.success, answer.errmsg, answer.request_id) == (False, "语音识别未启用", "r1")


async def test_a_model_that_cannot_be_read_leaves_the_service_running(
    make_runtime: MakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = await make_runtime(CHATSYSTEM_SPEECH_MODEL_PATH="/nothing/here")
    await runtime.host(create(runtime))
    assert (await recognise(runtime)).errmsg == "语音识别未启用"
    assert "check modelPath" in caplog.text


async def test_a_model_is_loaded_beside_the_start(runtime: TestRuntime) -> None:
    loading = threading.Event()

    def load() -> Recogniser:
        loading.wait(20)
        gate = Gate()
        gate.open.set()
        return gate

    await hosted(runtime, load)
    call = asyncio.create_task(recognise(runtime))
    await asyncio.sleep(0)
    assert not call.done()
    loading.set()
    assert (await call).recognition_result == "3200"


@pytest.mark.parametrize("content", [b"", b"odd"])
async def test_what_is_no_speech_is_refused(runtime: TestRuntime, content: bytes) -> None:
    await hosted(runtime, Gate)
    answer = await recognise(runtime, content)
    assert not answer.success and answer.errmsg


async def test_what_no_worker_and_no_place_in_the_queue_is_left_for_is_refused(runtime: TestRuntime) -> None:
    gate = Gate()
    await hosted(runtime, lambda: gate, workers=2, queue=1)
    calls = [asyncio.create_task(recognise(runtime)) for _ in range(6)]
    done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    gate.open.set()
    answers = await asyncio.gather(*calls)
    assert {call.result().errmsg for call in done} == {"语音识别繁忙，请稍后再试"}
    assert sum(answer.success for answer in answers) == 3
    assert gate.most <= 2


async def test_the_queue_is_free_again_afterwards(runtime: TestRuntime) -> None:
    gate = Gate()
    gate.open.set()
    await hosted(runtime, lambda: gate, queue=0)
    for _ in range(4):
        assert (await recognise(runtime)).success


async def test_a_broken_model_does_not_stop_the_stop(runtime: TestRuntime) -> None:
    def load() -> Recogniser:
        raise RecogniserError("broken")

    await hosted(runtime, load)


async def test_a_spoken_word_comes_back_as_text(make_runtime: MakeRuntime, model_path: str, speak: Speak) -> None:
    runtime = await make_runtime(CHATSYSTEM_SPEECH_MODEL_PATH=model_path, CHATSYSTEM_SPEECH_PHRASES="안녕하세요, 서울")
    await runtime.host(create(runtime))
    assert (await recognise(runtime, speak("서울"))).recognition_result == "서울"
