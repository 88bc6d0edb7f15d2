"""vosk with a real model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.speech.recogniser import RecogniserError, VoskRecogniser
from tests.services.speech.conftest import Speak

WORDS = ["안녕하세요", "서울", "메시지", "아니요"]


@pytest.fixture(scope="module")
def recogniser(model_path: str) -> VoskRecogniser:
    return VoskRecogniser(model_path, WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_a_spoken_word_is_understood(recogniser: VoskRecogniser, speak: Speak, word: str) -> None:
    assert recogniser.recognise(speak(word)).replace(" ", "") == word


def test_utterances_at_the_same_time_are_kept_apart(recogniser: VoskRecogniser, speak: Speak) -> None:
    spoken = [speak(word) for word in WORDS]
    with ThreadPoolExecutor(2) as pool:
        understood = [text.replace(" ", "") for text in pool.map(recogniser.recognise, spoken)]
    assert understood == WORDS


def test_silence_is_no_text(recogniser: VoskRecogniser) -> None:
    assert recogniser.recognise(bytes(32_000)) == ""


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecogniserError, match="not a directory: check modelPath"):
        VoskRecogniser(str(tmp_path / "nothing"))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecogniserError, match="cannot read the speech model"):
        VoskRecogniser(str(tmp_path))
