"""Speech to text: the port, and the adapter for vosk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from services.speech.pcm import SAMPLE_RATE

_CHUNK = SAMPLE_RATE  # half a second, in bytes


class RecogniserError(Exception):
    """The model cannot be used; the text says why and what to do."""


class Recogniser(Protocol):
    def recognise(self, pcm: bytes) -> str:
        """The words in 16 kHz mono 16 bit PCM, "" for none. Blocks; may be called from several threads at once."""
        ...


class VoskRecogniser:
    """One model, shared; a recogniser of its own for each utterance. `phrases` (if any) are all it listens for."""

    def __init__(self, model_path: str, phrases: Sequence[str] = ()) -> None:
        """Loads the model, which takes seconds and blocks. Raises RecogniserError."""
        if not Path(model_path).is_dir():
            raise RecogniserError(f"the speech model {model_path!r} is not a directory: check modelPath")
        try:
            import vosk
        except ImportError as error:
            raise RecogniserError('vosk is not installed: install "chatsystem[speech]"') from error
        vosk.SetLogLevel(-1)
        self._vosk: Any = vosk
        self._grammar = json.dumps([*phrases, "[unk]"], ensure_ascii=False) if phrases else None
        try:
            self._model = vosk.Model(model_path)
        except Exception as error:
            raise RecogniserError(f"vosk cannot read the speech model {model_path!r}: {error}") from error

    def recognise(self, pcm: bytes) -> str:
        extra = () if self._grammar is None else (self._grammar,)
        recogniser = self._vosk.KaldiRecognizer(self._model, SAMPLE_RATE, *extra)
        # A pause ends a sentence: its words are to be fetched before more is fed.
        sentences = [
            _text(recogniser.Result())
            for start in range(0, len(pcm), _CHUNK)
            if recogniser.AcceptWaveform(pcm[start : start + _CHUNK])
        ]
        sentences.append(_text(recogniser.FinalResult()))
        return " ".join(sentence for sentence in sentences if sentence)


def _text(result: str) -> str:
    return str(json.loads(result).get("text", "")).replace("[unk]", "").strip()
