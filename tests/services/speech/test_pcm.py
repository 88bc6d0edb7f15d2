"""What counts as speech."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from services.runtime.refusal import Refusal
from services.speech.pcm import samples

PCM = struct.pack("<8h", *range(8))


def wav(pcm: bytes, *, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return out.getvalue()


def test_bare_samples_pass_as_they_are() -> None:
    assert samples(PCM, 1) == PCM


def test_the_header_of_a_wav_file_is_taken_off() -> None:
    assert samples(wav(PCM), 1) == PCM


def test_a_wav_file_written_as_a_stream_is_read_to_its_end() -> None:
    streamed = bytearray(wav(PCM))
    struct.pack_into("<I", streamed, 40, 0xFFFFFFFF)
    assert samples(bytes(streamed), 1) == PCM


def test_other_chunks_of_a_wav_file_are_passed_over() -> None:
    plain = wav(PCM)
    listed = plain[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + plain[36:]
    assert samples(listed, 1) == PCM


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "为空"),
        (b"\0", "不完整"),
        (PCM + b"\0", "不完整"),
        (b"\0\0" * 16_001, "1 秒"),
        (wav(b""), "为空"),
        (wav(PCM, rate=8_000), "16 kHz"),
        (wav(PCM, channels=2), "单声道"),
        (wav(PCM, width=1), "16 位"),
        (wav(PCM)[:30], "WAV"),
        (b"RIFF\0\0\0\0WAVE", "WAV"),
    ],
)
def test_what_cannot_be_recognised_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        samples(content, 1)
